"""Sources of single surfaces: own items, what goes on, whom one follows, what is new."""
