"""LightFM as a candidate generator of crossrec."""
