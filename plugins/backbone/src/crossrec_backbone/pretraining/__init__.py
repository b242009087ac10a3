"""Pretraining: low-data tasks made of rich scenarios, the heads and the encoder learnt on them.

Finished parts are kept in a checkpoint folder, so a run that was stopped goes on.
"""
