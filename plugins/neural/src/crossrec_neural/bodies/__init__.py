"""Bodies: from the vectors of a history to a state at each of its events."""
