"""Language models: one that runs here, and any endpoint that speaks the common protocol."""
