"""Medical documents as a scenario of crossrec, as a third party would write it."""
