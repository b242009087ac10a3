"""What a fit learns on a target: which encoder and parts help there, and how much each weighs.

Everything is chosen on held-out events of the target, by the one rule of `paired_gain`.
"""
