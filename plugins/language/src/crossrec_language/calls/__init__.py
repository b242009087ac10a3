"""The one way in which features call a model: cleaned, bounded, checked, cached."""
