"""What goes wrong when a language model is called."""

from __future__ import annotations

from crossrec.errors import CrossrecError


class ModelCallError(CrossrecError):
    """A language model did not answer, or not in a form that can be used."""
