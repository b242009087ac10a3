"""From a parsed tree to what computes it: the operators and functions that an expression may hold.

The tree is sqlglot's. Only the nodes listed here mean something; all others are refused, so nothing
but fields, constants and these operators is ever computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sqlglot import exp

from crossrec.expressions.compare import ExpressionError, equal, in_list, known, negated, ordered
from crossrec.expressions.functions import FUNCTIONS, finite
from crossrec.expressions.like import like_matcher
from crossrec.expressions.scope import Compute, Scope
from crossrec.expressions.values import (
    FALSE,
    KINDS,
    TRUE,
    UNKNOWN,
    Flag,
    Number,
    Text,
    Texts,
    Value,
    among,
    as_flag,
    as_number,
    choice,
    constant,
    one_text,
)

Fields = tuple[tuple[str, int], ...]
ROOTS = ("item", "user", "history", "context")


def compiled(tree: exp.Expr) -> tuple[Compute, Fields, tuple[str, ...]]:
    """Return what computes a tree, and the fields of items and of the user that it reads.

    Raises
    ------
    ExpressionError
        For what no expression may hold.
    """
    compiler = _Compiler(tree)
    compute = compiler.node(tree)
    return compute, tuple(compiler.fields), tuple(dict.fromkeys(compiler.user))


class _Compiler:
    """Turns nodes into functions and collects the fields that they read."""

    def __init__(self, tree: exp.Expr) -> None:
        self.fields: list[tuple[str, int]] = []
        self.user: list[str] = []
        self._starts = starts_of(tree)

    def place(self, node: exp.Expr) -> int | None:
        """Return the character at which a node stands, or the first name in it."""
        return self._starts.get(id(node))

    def node(self, node: exp.Expr) -> Compute:
        """Return what computes a node."""
        for kind, build in _NODES.items():
            if isinstance(node, kind):
                return build(self, node)
        raise _foreign(node, self.place(node))

    def column(self, node: exp.Expr) -> Compute:
        """Return a field: ``item.price``, ``price``, ``user.country``, ``now``."""
        assert isinstance(node, exp.Column)
        root, name, at = node.table, node.name, self.place(node)
        if node.args.get("db"):
            raise ExpressionError("a field is written as item.NAME", at)
        if not root and name == "now":
            return lambda scope: Number(np.array(scope.now))
        if root and root not in ROOTS:
            raise ExpressionError(f"{root!r} has no fields: write one of {', '.join(ROOTS)}", at)
        if root == "user":
            self.user.append(name)
        if root in ("user", "context"):
            return lambda scope: scope.request(root, name)
        if root != "history" or name != "length":
            self.fields.append((name, at or 0))
        if root == "history":
            return lambda scope: scope.past(name)
        return lambda scope: scope.item(name)

    def literal(self, node: exp.Expr) -> Compute:
        """Return a number or a text."""
        value: Value = (
            Text(one_text(str(node.this)))
            if node.args.get("is_string")
            else constant(float(str(node.this)))
        )
        return lambda scope: value

    def boolean(self, node: exp.Expr) -> Compute:
        """Return TRUE or FALSE."""
        value = constant(bool(node.this))
        return lambda scope: value

    def inner(self, node: exp.Expr) -> Compute:
        """Return what stands in brackets."""
        return self.node(node.this)

    def logic(self, node: exp.Expr) -> Compute:
        """Return AND and OR: the least and the greatest of both."""
        left, right = self.flag(node.this), self.flag(node.expression)
        combine = np.minimum if isinstance(node, exp.And) else np.maximum
        return lambda scope: Flag(combine(left(scope).data, right(scope).data))

    def negation(self, node: exp.Expr) -> Compute:
        """Return NOT."""
        inner = self.flag(node.this)
        return lambda scope: Flag((TRUE - inner(scope).data).astype(np.int8))

    def flag(self, node: exp.Expr) -> Callable[[Scope], Flag]:
        """Return a condition."""
        compute, at = self.node(node), self.place(node)

        def run(scope: Scope) -> Flag:
            value = compute(scope)
            found = as_flag(value)
            if found is None:
                raise ExpressionError(f"a condition is wanted here, not a {KINDS[type(value)]}", at)
            return found

        return run

    def number(self, node: exp.Expr) -> Callable[[Scope], Number]:
        """Return a number."""
        compute, at = self.node(node), self.place(node)

        def run(scope: Scope) -> Number:
            found = as_number(compute(scope))
            if found is None:
                raise ExpressionError("a number is wanted here", at)
            return found

        return run

    def arithmetic(self, node: exp.Expr) -> Compute:
        """Return +, -, *, / and %."""
        function = _ARITHMETIC[type(node)]
        left, right = self.number(node.this), self.number(node.expression)
        return lambda scope: Number(finite(function(left(scope).data, right(scope).data)))

    def minus(self, node: exp.Expr) -> Compute:
        """Return a number with the other sign."""
        inner = self.number(node.this)
        return lambda scope: Number(-inner(scope).data)

    def comparison(self, node: exp.Expr) -> Compute:
        """Return = and <>, and the order of numbers and times."""
        left, right = self.node(node.this), self.node(node.expression)
        function, at = _COMPARISONS[type(node)], self.place(node)
        if isinstance(node, exp.EQ):
            return lambda scope: equal(left(scope), right(scope), at)
        if isinstance(node, exp.NEQ):
            return lambda scope: negated(equal(left(scope), right(scope), at))
        return lambda scope: ordered(left(scope), right(scope), function, at)

    def between(self, node: exp.Expr) -> Compute:
        """Return ``x BETWEEN low AND high``, both included."""
        value = self.node(node.this)
        low, high = self.node(node.args["low"]), self.node(node.args["high"])
        at = self.place(node)

        def run(scope: Scope) -> Value:
            found = value(scope)
            above = ordered(found, low(scope), np.greater_equal, at)
            below = ordered(found, high(scope), np.less_equal, at)
            return Flag(np.minimum(above.data, below.data))

        return run

    def inside(self, node: exp.Expr) -> Compute:
        """Return ``x IN ('a', 'b')``, ``x IN user.brands`` and ``'a' IN item.categories``."""
        value, at = self.node(node.this), self.place(node)
        listed = node.args.get("field")
        if listed is not None:
            other = self.node(listed)
            return lambda scope: in_list(value(scope), other(scope), at)
        options = [self.node(option) for option in node.expressions]
        if not options or node.args.get("query") is not None:
            raise ExpressionError("write the values of IN in brackets: IN ('a', 'b')", at)

        def run(scope: Scope) -> Value:
            found = value(scope)
            flags = [equal(found, option(scope), at).data for option in options]
            return Flag(np.maximum.reduce(np.broadcast_arrays(*flags)))

        return run

    def missing(self, node: exp.Expr) -> Compute:
        """Return ``x IS NULL``, ``x IS TRUE`` and ``x IS FALSE``, which are never unknown."""
        inner, wanted = self.node(node.this), node.expression
        if isinstance(wanted, exp.Null):
            return lambda scope: Flag.of(~known(inner(scope)))
        if not isinstance(wanted, exp.Boolean):
            raise ExpressionError("write IS NULL, IS TRUE or IS FALSE", self.place(node))
        flag, state = self.flag(node.this), TRUE if wanted.this else FALSE
        return lambda scope: Flag.of(flag(scope).data == state)

    def like(self, node: exp.Expr) -> Compute:
        """Return LIKE (and ILIKE, whatever the case): % is any text, _ any character."""
        value, pattern, at = self.node(node.this), node.expression, self.place(node)
        if not isinstance(pattern, exp.Literal) or not pattern.args.get("is_string"):
            raise ExpressionError("LIKE takes a text in quotes: LIKE 'abc%'", at)
        matches = like_matcher(str(pattern.this), any_case=isinstance(node, exp.ILike))

        def run(scope: Scope) -> Value:
            found = value(scope)
            if isinstance(found, Texts):
                names = found.data if isinstance(found.data, frozenset) else found.data.names
                return among(found, [name for name in names if matches(name)])
            if not isinstance(found, Text):
                raise ExpressionError("LIKE is for texts", at)
            return Flag.of(found.data.map(matches) == 1, found.known)

        return run

    def case(self, node: exp.Expr) -> Compute:
        """Return ``CASE WHEN … THEN … ELSE … END``."""
        at, branches = self.place(node), node.args["ifs"]
        base = node.args.get("this")
        if base is not None:
            raise ExpressionError("write CASE WHEN condition THEN value ELSE value END", at)
        conditions = [self.flag(branch.this) for branch in branches]
        options = [self.node(branch.args["true"]) for branch in branches]
        default = node.args.get("default")
        otherwise = self.node(default) if default is not None else None

        def run(scope: Scope) -> Value:
            values = [option(scope) for option in options]
            nothing = (
                Number(np.array(np.nan))
                if isinstance(values[0], Number)
                else Flag(np.array(UNKNOWN, dtype=np.int8))
            )
            last = nothing if otherwise is None else otherwise(scope)
            found = choice([flag(scope) for flag in conditions], values, last)
            if found is None:
                raise ExpressionError("the values of a CASE are all numbers or all conditions", at)
            return found

        return run

    def coalesce(self, node: exp.Expr) -> Compute:
        """Return the first value that is known."""
        parts = [self.node(part) for part in (node.this, *node.expressions)]
        at = self.place(node)

        def run(scope: Scope) -> Value:
            values = [part(scope) for part in parts]
            found = choice(
                [Flag.of(known(value)) for value in values[:-1]], values[:-1], values[-1]
            )
            if found is None:
                raise ExpressionError("coalesce takes numbers alone, or conditions alone", at)
            return found

        return run

    def function(self, node: exp.Expr) -> Compute:
        """Return a function of numbers."""
        assert isinstance(node, exp.Func)
        name, arguments = called(node)
        if name not in FUNCTIONS:
            raise _foreign(node, self.place(node))
        given = [self.number(argument) for argument in arguments]
        least, most, apply = FUNCTIONS[name]
        if not least <= len(given) <= most:
            raise ExpressionError(
                f"{name} takes {least} argument{'s' * (least > 1)}", self.place(node)
            )
        return lambda scope: Number(finite(apply(scope, [part(scope).data for part in given])))

    def lower(self, node: exp.Expr) -> Compute:
        """Return a text in small letters."""
        value, at = self.node(node.this), self.place(node)

        def run(scope: Scope) -> Value:
            found = value(scope)
            if not isinstance(found, Text):
                raise ExpressionError("lower is for texts", at)
            names = tuple(name.lower() for name in found.data.names)
            distinct = tuple(dict.fromkeys(names))
            code = {name: at for at, name in enumerate(distinct)}
            renamed = np.array([*(code[name] for name in names), -1], dtype=np.int64)
            return Text(type(found.data)(renamed[found.data.codes], distinct))

        return run


def called(node: exp.Func) -> tuple[str, list[exp.Expr]]:
    """Return the name of a function and what stands in its brackets."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower(), list(node.expressions)
    given: list[exp.Expr] = []
    for name in node.arg_types:
        part = node.args.get(name)
        given += part if isinstance(part, list) else [part] if isinstance(part, exp.Expr) else []
    return node.sql_name().lower(), given


def starts_of(tree: exp.Expr) -> dict[int, int]:
    """Return where each node begins, by its id: the first name in it; in one pass over the tree."""
    starts: dict[int, int] = {}
    for node in reversed(list(tree.bfs())):  # children come before what holds them
        own = [node.meta["start"]] if "start" in node.meta else []
        own += [starts[id(part)] for part in node.iter_expressions() if id(part) in starts]
        if own:
            starts[id(node)] = min(own)
    return starts


def _foreign(node: exp.Expr, at: int | None) -> ExpressionError:
    name = called(node)[0] if isinstance(node, exp.Func) else node.key
    functions = ", ".join((*FUNCTIONS, "coalesce", "lower"))
    return ExpressionError(f"{name!r} is no part of an expression; functions are {functions}", at)


_ARITHMETIC: dict[type[exp.Expr], Callable[..., Any]] = {
    exp.Add: np.add,
    exp.Sub: np.subtract,
    exp.Mul: np.multiply,
    exp.Div: np.divide,
    exp.Mod: np.mod,
}
_COMPARISONS: dict[type[exp.Expr], Callable[..., Any]] = {
    exp.EQ: np.equal,
    exp.NEQ: np.not_equal,
    exp.LT: np.less,
    exp.LTE: np.less_equal,
    exp.GT: np.greater,
    exp.GTE: np.greater_equal,
}
_NODES: dict[type[exp.Expr], Callable[[_Compiler, exp.Expr], Compute]] = {
    exp.Column: _Compiler.column,
    exp.Literal: _Compiler.literal,
    exp.Boolean: _Compiler.boolean,
    exp.Null: lambda compiler, node: lambda scope: Text(one_text("")),
    exp.Paren: _Compiler.inner,
    exp.And: _Compiler.logic,
    exp.Or: _Compiler.logic,
    exp.Not: _Compiler.negation,
    exp.Neg: _Compiler.minus,
    exp.Between: _Compiler.between,
    exp.In: _Compiler.inside,
    exp.Is: _Compiler.missing,
    exp.Like: _Compiler.like,
    exp.ILike: _Compiler.like,
    exp.Case: _Compiler.case,
    exp.Coalesce: _Compiler.coalesce,
    exp.Lower: _Compiler.lower,
    **dict.fromkeys(_ARITHMETIC, _Compiler.arithmetic),
    **dict.fromkeys(_COMPARISONS, _Compiler.comparison),
    exp.Func: _Compiler.function,
}
