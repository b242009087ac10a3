"""Why an item is recommended: true statements, ranked and worded; a model may only reword them."""
