"""Conditions and boosts over item, user, history and context fields, in the words of SQL."""

from crossrec.expressions.expression import Expression, parse_expression
from crossrec.expressions.scope import Scope

__all__ = ["Expression", "Scope", "parse_expression"]
