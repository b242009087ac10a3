"""What the comparison of text encoders is made of: the generated catalogues and the cells."""
