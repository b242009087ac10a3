"""The candidate generators that crossrec calls."""
