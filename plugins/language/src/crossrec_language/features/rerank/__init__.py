"""A list put into another order by a model: off unless its gain is proven here."""
