"""Evaluation of fitted models: protocols, metrics with intervals, paired tests, reports.

Every model is measured by its lists over the full catalog, next to popularity and repeat-last.
"""
