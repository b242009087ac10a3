"""A generated catalogue whose titles are translated by a table: one world in several languages.

Who likes what does not depend on the language, so that figures differ by the encoder alone. Titles
say a subject and a scene. All themes share the scenes, and the subjects of a theme share no word:
that they belong together is what an encoder has to know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossrec.data.dataset import Dataset

TABLE = Path(__file__).with_name("words.json")
ENGLISH, GERMAN, CHINESE = 0, 1, 2
#: Name of a catalogue → (language of the other part, its share of the items).
LANGUAGES = {
    "generated-en": (GERMAN, 0.0),
    "generated-de": (GERMAN, 1.0),
    "generated-zh": (CHINESE, 1.0),
    "generated-en+zh": (CHINESE, 0.5),
    **{f"generated-en+de-{share}%": (GERMAN, share / 100) for share in (5, 10, 20, 50)},
}
PEOPLE, DAYS, SESSIONS = 6_000, 60.0, 8.0


@dataclass(frozen=True)
class Words:
    """The table: each phrase in all languages.

    Attributes
    ----------
    subjects : mapping of theme to phrases
    scenes : tuple of phrases
    joints : tuple of str
        What stands between subject and scene, by language.
    """

    subjects: dict[str, tuple[tuple[str, ...], ...]]
    scenes: tuple[tuple[str, ...], ...]
    joints: tuple[str, ...]

    @classmethod
    def read(cls) -> Words:
        """Read the table that lies beside this file."""
        values: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
        themes = {name: tuple(map(tuple, rows)) for name, rows in values["themes"].items()}
        return cls(themes, tuple(map(tuple, values["scenes"])), tuple(values["joints"]))

    def translations(self) -> dict[str, tuple[str, ...]]:
        """Return every English title that there is → the title in all languages."""
        return {
            f"{subject[0]} {scene[0]}": tuple(
                f"{one}{joint}{other}"
                for one, joint, other in zip(subject, self.joints, scene, strict=True)
            )
            for subjects in self.subjects.values()
            for subject in subjects
            for scene in self.scenes
        }


def translated(titles: Sequence[str], language: int, share: float, seed: int = 0) -> list[str]:
    """Return titles of which a share, drawn at random, is in another language than English."""
    table = Words.read().translations()
    other = np.random.default_rng(seed).random(len(titles)) < share
    return [table[title][language if one else 0] for title, one in zip(titles, other, strict=True)]


def dataset_in(name: str, people: int = PEOPLE) -> Dataset:
    """Generate the world's catalogue in the languages of a name in `LANGUAGES`; clicks alone."""
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.simulation import Reaction, Setting, Theme, World
    from crossrec.testing.texts import text_catalog

    words = Words.read()
    names = list(words.subjects)
    scenes = tuple(scene[0] for scene in words.scenes)
    themes = tuple(
        Theme(
            theme,
            {theme: 2.0, names[at - 1]: 0.5},
            tuple(subject[0] for subject in words.subjects[theme]),
            scenes,
        )
        for at, theme in enumerate(names)
    )
    setting = Setting("video", themes, (Reaction("click"),))
    n_items = len(words.translations())
    world = World.generate([setting], n_people=people, n_items=n_items)
    shown = world.live("video", days=DAYS, sessions=SESSIONS).impressions()
    clicks = shown[shown["clicked"]].drop_duplicates(["person", "item"])
    catalog = text_catalog(translated(world.items("video")["title"].tolist(), *LANGUAGES[name]))
    events = Events.from_columns(
        clicks["person"].to_numpy(), clicks["item"].to_numpy(), times=clicks["time"].to_numpy()
    )
    users = Vocabulary(f"u{at}" for at in range(people))
    return Dataset.build(users, catalog, events, has_clock=True)
