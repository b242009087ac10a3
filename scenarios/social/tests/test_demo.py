"""The generated demo: what all demos must be, and what is special about posts."""

from __future__ import annotations

from typing import ClassVar

from crossrec.testing import DemoDataTests
from crossrec_social.demo import DAYS, N_USERS, START


class TestDemo(DemoDataTests):
    component = "social"
    n_users = N_USERS
    start = START
    days = DAYS
    event_types: ClassVar = {
        "bookmark",
        "click",
        "dwell",
        "follow_author",
        "like",
        "not_interested",
        "reply",
    }
    dislike = "not_interested"

    def test_nobody_reads_a_post_before_it_is_written(self) -> None:
        created = self.events()["item_id"].map(self.items()["created_at"])
        assert (self.events()["time"] >= created).all()

    def test_most_of_what_is_read_is_fresh(self) -> None:
        created = self.events()["item_id"].map(self.items()["created_at"])
        assert ((self.events()["time"] - created) / 86_400).median() < 7
