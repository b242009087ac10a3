"""The group ``crossrec language``."""

from __future__ import annotations

from crossrec.commands import LazyGroup

_HELP = (
    "Words and understanding around recommendations. Every command works without a language model "
    "and says which one it called; `crossrec language check` tests the one that is chosen."
)
language = LazyGroup(name="language", help=_HELP)
_HERE = "crossrec_language.commands"
for _name, _summary in (
    ("check", "Which features would call which model."),
    ("describe", "A user's taste in words, to be edited and used as a query."),
    ("explain", "Why an item is recommended, in true statements."),
    ("intent", "A list for free words: “something lighter, no horror”."),
    ("rerank", "The top 20 in a model's order, where that is proven to be better."),
):
    language.add_lazy(_name, f"{_HERE}.{_name}:{_name}", _summary)
