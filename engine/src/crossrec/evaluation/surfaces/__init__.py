"""How well each surface of a scenario finds what people took: questions, figures, tables."""
