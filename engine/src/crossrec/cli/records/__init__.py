"""What is stored, shown and deleted: one module for items, one for users, one for events."""
