"""The text encoder adapted by behaviour: an option of pretraining.

The encoder's top layers learn from items that people of the sources consume together, and are
interpolated with the original. A target reads the new vectors beside the original ones, and only
where its own events say that they help.
"""
