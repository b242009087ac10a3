"""Evaluation: splits, full-catalogue protocols, metrics with intervals, paired tests, reports."""
