"""What gets a slot: exploration, promotion, the next episode."""
