"""Numbers in words."""

from __future__ import annotations

import pytest
from crossrec_collaborative.baskets.words import ago, days_text, times_bought


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (times_bought(1), "bought once"),
        (times_bought(2), "bought twice"),
        (times_bought(7), "bought 7 times"),
        (days_text(0.2), "0 days"),
        (days_text(1.2), "1 day"),
        (days_text(11.6), "12 days"),
        (ago(0.3), "today"),
        (ago(1.0), "yesterday"),
        (ago(400.0), "400 days ago"),
    ],
)
def test_as_people_say_it(found: str, words: str) -> None:
    assert found == words
