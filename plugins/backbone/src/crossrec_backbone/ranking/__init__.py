"""From relations to an order: candidates, their columns, trees over the columns, the mixture."""
