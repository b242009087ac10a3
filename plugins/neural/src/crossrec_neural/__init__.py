"""Neural candidate generators of crossrec: one trainer, many bodies."""
