"""Finding, isolating, listing, checking and installing plugins; the registry of what they offer."""
