"""The figures of language features, from ``benchmarks/results/language.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_table import table

_KINDS = {
    "without": "the history alone",
    "with": "words that are true of it",
    "against": "words that are not (control)",
    "alone": "true words without the history",
    "popular": "neither",
}
_SWEEPS = {"text": "text beside a history", "factor": "preference", "alone": "text alone"}
_ORDERS = {
    "by_reviews": "how many reviews of the item say it",
    "by_the_whole_catalogue": "how many reviews of all items say it",
    "at_random": "at random (control)",
    "of_another_item": "statements of another item (control)",
}


def language_tables(result: Mapping[str, Any]) -> str:
    """Return a table for each feature."""
    return "\n".join((_intent(result), _weights(result), _others(result), _statements(result)))


def _rank(one: Mapping[str, float]) -> tuple[str, str]:
    return f"{one['mrr']:.3f} ± {one['error']:.3f}", f"{one['recall_10']:.3f}"


def _intent(result: Mapping[str, Any]) -> str:
    rows = [(words, *_rank(result["intent"][kind])) for kind, words in _KINDS.items()]
    head = f"**intent** ({result['users']} users, the last choice of each)\n\n"
    return head + table(("the list is for", "mrr", "recall@10"), rows)


def _weights(result: Mapping[str, Any]) -> str:
    rows = [
        (name, weight, *_rank(one))
        for sweep, name in _SWEEPS.items()
        for weight, one in result["validation"][sweep].items()
    ]
    head = "**weights**, on validation\n\n"
    return head + table(("weight of", "weight", "mrr", "recall@10"), rows)


def _others(result: Mapping[str, Any]) -> str:
    met, edits, lost = result["conditions"], result["describe"], result["deletion"]
    rows = [
        ("intent", f"items that meet {met['wishes']} generated wishes",
         f"{met['items_that_meet_them']:.3f}", ""),
        ("describe", "share of a genre gained by writing it",
         f"{edits['more_of_the_new_genre']:+.3f}",
         f"another genre written: {edits['more_of_it_after_another_edit']:+.3f}"),
        ("describe", "recall@10 of the description alone",
         f"{edits['recall_10_of_the_description_alone']:.3f}",
         f"popularity: {edits['recall_10_of_popularity']:.3f}"),
        ("explain", "score lost without the named evidence, in z",
         f"{lost['z_lost_without_the_cited_items']:.2f}",
         f"without as many others: {lost['z_lost_without_as_many_others']:.2f}"),
    ]  # fmt: skip
    return "**beside their controls**\n\n" + table(("feature", "figure", "", "control"), rows)


def _statements(result: Mapping[str, Any]) -> str:
    found = result["explain"]
    rows = [
        (words, f"{found['precision_3'][name]:.3f} ± {found['error'][name]:.3f}")
        for name, words in _ORDERS.items()
    ]
    head = f"**statements** of {found['items']} items that their next reviewer makes too\n\n"
    return head + table(("ranked by", "precision@3"), rows)
