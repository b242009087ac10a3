"""How well ratings are predicted: errors beside those of models that read nothing.

Built from below: split, models, figures, report, tables, evaluation.
"""
