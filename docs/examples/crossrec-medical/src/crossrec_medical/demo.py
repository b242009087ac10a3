"""Generated documents, and people who look things up in them."""

from __future__ import annotations

import pandas as pd
from crossrec.ingest.frames import Frames
from crossrec.simulation import Reaction, Setting, Theme, World

_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cardiology": (("Heart Failure", "Atrial Fibrillation"), ("in Older Adults", "after Surgery")),
    "oncology": (("Breast Cancer", "Lymphoma"), ("Screening", "Follow-up Care")),
    "diabetes": (("Type 2 Diabetes", "Insulin Pumps"), ("in Pregnancy", "and Exercise")),
    "paediatrics": (("Asthma in Children", "Fever"), ("at Home", "in the Clinic")),
    "neurology": (("Migraine", "Stroke"), ("Prevention", "Rehabilitation")),
}
_TYPES = ("guideline", "trial", "review", "case report")
LIBRARY = Setting(
    name="medical",
    themes=tuple(Theme(field, {field: 1.0}, *words) for field, words in _FIELDS.items()),
    reactions=(
        Reaction("open"),
        Reaction("download", least=0.4, share=0.3),
        Reaction("save", least=0.6, share=0.2),
        Reaction("not_relevant", most=0.2, share=0.2),
    ),
    makers=("{subject} Society", "Journal of {subject}"),
    maker_field="institution",
    repeats=True,
)


def generate(seed: int = 0) -> Frames:
    """Return documents, two in three of them for professionals, and who looks them up."""
    world = World.generate([LIBRARY], n_people=200, n_items=240, seed=seed)
    items = world.items("medical")
    number = range(len(items))
    items["document_type"] = [_TYPES[at % 4] for at in number]
    items["evidence_level"] = [1 + at % 5 for at in number]
    items["audience"] = ["patient" if at % 3 == 0 else "professional" for at in number]
    events = world.events("medical", days=60, sessions=10)
    people = events["user_id"].unique()
    role = ["professional" if at % 2 else "patient" for at in range(len(people))]
    users = pd.DataFrame({"user_id": people, "audience": role})
    note = f"generated: {len(items)} documents, {len(people)} readers, {len(events)} events"
    return Frames(items, events, users, has_clock=True, note=f"{note}, seed {seed}")
