"""What may stand in a list, and next to what: caps, gaps, versions, rights."""
