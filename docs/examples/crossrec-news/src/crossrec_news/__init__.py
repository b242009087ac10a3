"""The news scenario of crossrec, as a third party would write it."""
