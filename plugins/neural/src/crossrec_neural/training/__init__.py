"""The model that learns, and the one loop that all bodies are trained by."""
