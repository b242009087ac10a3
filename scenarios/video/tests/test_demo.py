"""The generated demo: what all demos must be, and what is special about watching."""

from __future__ import annotations

from typing import ClassVar

from crossrec.testing import DemoDataTests
from crossrec_video.demo import DAYS, N_USERS, START


class TestDemo(DemoDataTests):
    component = "video"
    n_users = N_USERS
    start = START
    days = DAYS
    event_types: ClassVar = {"add_to_watchlist", "click", "complete", "dislike", "like", "watch"}
    dislike = "dislike"

    def test_nobody_watches_twice(self) -> None:
        watched = self.events()[self.events()["event_type"].isin(["watch", "complete"])]
        assert not watched.duplicated(["user_id", "item_id"]).any()

    def test_portions(self) -> None:
        portions = self.events().loc[self.events()["event_type"] == "watch", "value"]
        assert portions.between(0.1, 0.9).all()
