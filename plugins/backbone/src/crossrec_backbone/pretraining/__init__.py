"""Pretraining: low-data tasks made of rich scenarios, the heads learnt from them, checkpoints."""
