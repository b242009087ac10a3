"""A pretrained backbone as a folder: its model, its encoder weights, and where named ones lie."""
