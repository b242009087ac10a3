"""Sources that compare items by vectors."""
