"""The generated demo: what all demos must be, and what is special about listening."""

from __future__ import annotations

from typing import ClassVar

from crossrec.testing import DemoDataTests
from crossrec_music.demo import DAYS, N_USERS, START


class TestDemo(DemoDataTests):
    component = "music"
    n_users = N_USERS
    start = START
    days = DAYS
    event_types: ClassVar = {
        "add_to_playlist",
        "ban_track",
        "complete",
        "play",
        "save_track",
        "skip",
    }
    dislike = "ban_track"

    def test_people_play_again(self) -> None:
        plays = self.events()[self.events()["event_type"].isin(["play", "complete"])]
        assert 0.01 < plays.duplicated(["user_id", "item_id"]).mean() < 0.3
