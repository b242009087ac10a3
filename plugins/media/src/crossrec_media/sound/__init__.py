"""Sounds: decoded within limits, as log-mel statistics or as a music tagger hears them."""
