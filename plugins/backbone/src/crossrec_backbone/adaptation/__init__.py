"""What a fit learns on a target: folds, weights, the gate, repeats, which encoder."""
