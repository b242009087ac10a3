"""`crossrec pretrain`, `crossrec backbones` and `crossrec transfer`.

Options and printing only; the work is done in the rooms below.
"""
