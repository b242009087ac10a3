"""German for what is said of baskets."""

from __future__ import annotations

import pytest
from crossrec.components.template_model import TemplateModel
from crossrec.components.wording import WordingRequest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bought twice, last yesterday", "zweimal gekauft, zuletzt gestern"),
        ("bought 3 times, last 2 baskets ago", "3-mal gekauft, zuletzt vor 2 Einkäufen"),
        (
            "bought once, last in the latest basket",
            "einmal gekauft, zuletzt beim letzten Einkauf",
        ),
        (
            "bought 4 times, lasts about 14 days, last 12 days ago: due in 2 days",
            "4-mal gekauft, reicht etwa 14 Tage, zuletzt vor 12 Tagen: in 2 Tagen fällig",
        ),
        (
            "bought once, lasts about 1 day, last today: due since 1 day",
            "einmal gekauft, reicht etwa 1 Tag, zuletzt heute: seit 1 Tag fällig",
        ),
        (
            "in 12 of 25 baskets with “Printer” and “Ink”",
            "in 12 von 25 Einkäufen mit “Printer” und “Ink”",
        ),
        ("often bought after “Pasta”", "oft gekauft nach “Pasta”"),
    ],
)
def test_in_german(text: str, words: str) -> None:
    request = WordingRequest("de", text)
    (answer,) = TemplateModel().complete([request.prompt()], max_tokens=80, seed=0)
    assert answer == words
    assert request.is_kept_by(answer)
