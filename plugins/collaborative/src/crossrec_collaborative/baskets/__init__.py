"""Sources that look at baskets: what comes next, what is due again, what is bought together."""
