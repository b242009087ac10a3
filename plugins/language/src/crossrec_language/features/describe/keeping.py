"""A description that its owner agreed to keep: a field of the user, deleted with them or alone."""

from __future__ import annotations

from typing import Any

from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from crossrec.pipeline.user_states import consents_of

from crossrec_language.features.describe.description import LONGEST

#: The field of a user, and what its owner has to agree to.
FIELD = CONSENT = "taste_description"


def kept_description(engine: Engine, scenario: str, user_id: str) -> str:
    """Return the kept description of a user; "" where there is none, or no consent any more."""
    fields = engine.workspace.store().user_fields(engine.registry.scenario(scenario).name, user_id)
    if CONSENT not in consents_of(fields) or not isinstance(fields.get(FIELD), dict):
        return ""
    return str(fields[FIELD].get("text", ""))


def keep_description(
    engine: Engine, scenario: str, user_id: str, text: str, *, consent: bool = False
) -> None:
    """Keep a description with its owner's consent, which is kept beside it.

    Raises
    ------
    UsageError
        Without consent, now or before; for a user whom the workspace does not know; for no text.
    """
    store = engine.workspace.store()
    name = engine.registry.scenario(scenario).name
    if not text.strip() or len(text) > LONGEST:
        raise UsageError(f"a description has 1 to {LONGEST} characters")
    if store.user(name, user_id) is None:
        raise UsageError(f"there is no user {user_id!r} in {name!r}: ingest them first")
    given = consents_of(store.user_fields(name, user_id))
    if not consent and CONSENT not in given:
        raise UsageError(
            "a description is kept with its owner's consent only: with --consent they have agreed"
        )
    # A mapping, because a short text would be a category of the user for models of profiles.
    kept = {"text": text.strip()}
    fields: dict[str, Any] = {FIELD: kept, "consents": sorted(given | {CONSENT})}
    with engine.workspace.writing():
        store.add_users(name, {user_id: fields})


def drop_description(engine: Engine, scenario: str, user_id: str) -> bool:
    """Delete a kept description and the consent to it; return whether there was one.

    `crossrec forget` deletes it with everything else about a user.
    """
    store = engine.workspace.store()
    name = engine.registry.scenario(scenario).name
    fields = store.user_fields(name, user_id)
    if not fields.get(FIELD) and CONSENT not in consents_of(fields):
        return False
    left = sorted(consents_of(fields) - {CONSENT})
    with engine.workspace.writing():
        store.add_users(name, {user_id: {FIELD: None, "consents": left}})
    return bool(fields.get(FIELD))
