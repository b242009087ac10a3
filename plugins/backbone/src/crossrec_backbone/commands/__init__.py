"""`crossrec pretrain`, `crossrec backbones` and `crossrec transfer`."""
