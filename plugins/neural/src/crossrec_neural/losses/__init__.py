"""What is minimised, and against which other items."""
