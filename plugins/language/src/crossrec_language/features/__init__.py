"""What language is used for; every feature works without a model."""
