"""Language for crossrec: models behind one guarded call, and features that need none."""
