"""The candidate generators: fitting, answering, storing, growing."""
