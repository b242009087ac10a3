"""Videos: sampled frames, what is said in them, and their titles."""
