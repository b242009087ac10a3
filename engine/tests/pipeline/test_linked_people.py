"""One person in two scenarios, from the command line to the list: only what was agreed to."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.artifacts import open_artifact
from crossrec.cli import main
from crossrec.components.query import Query
from crossrec.hookspecs import hookimpl
from crossrec.pipeline.fit_inputs import FitRequest, read_inputs
from crossrec.pipeline.kept_fits import fingerprint
from crossrec.pipeline.user_states import user_state_of
from crossrec.store.sqlite import SqliteStore
from crossrec.testing.titled_shops import installed_shops, write_shop
from crossrec.testing.toy_sources import Popular, Together

TITLES = [f"{word} {at}" for at in range(6) for word in ("red", "blue", "green")]
N, PEOPLE = len(TITLES), 90


class Words:
    """Vectors of the first word of a text."""

    def encode(self, catalog, run):
        known = {"red": 0, "blue": 1, "green": 2}
        vectors = np.zeros((len(catalog), 3), np.float32)
        for row, text in enumerate(catalog.texts):
            vectors[row, known[text.split()[0]]] = 1
        return vectors


class WholeCatalog(Words):
    """Vectors that depend on how many items there are."""

    def encode(self, catalog, run):
        return np.roll(super().encode(catalog, run), len(catalog) > N, axis=1)


PIPELINE = """encoder = "words"
policies = []
[[sources]]
name = "popular"
[[sources]]
name = "together"
"""


def plugin():
    module = ModuleType("parts_plugin")

    @hookimpl
    def register_encoders(register):
        register("words", Words, summary="words")
        register("whole", WholeCatalog, summary="words, differently")

    @hookimpl
    def register_candidate_generators(register):
        for name, source in (("popular", Popular), ("together", Together)):
            register(name, source, capabilities=source.able, summary=name)

    module.register_encoders = register_encoders
    module.register_candidate_generators = register_candidate_generators
    return module


def histories(shift, seed):
    """Person at likes the colour at + shift, in both shops; the last ten have no event here."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(np.arange((at + shift) % 3, N, 3))[:5].tolist() for at in range(PEOPLE)]


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shops")
    with installed_shops(folder, ("old", "new"), PIPELINE, beside=("builtin",), plugin=plugin()):
        old = write_shop(folder, "old", TITLES, histories(0, 1))
        new = write_shop(folder, "new", TITLES, histories(1, 2)[: PEOPLE - 10])
        yield {"old": old, "new": new}


@pytest.fixture
def shop(shops, tmp_path):
    """A workspace with both shops ingested; call it with a command."""
    workspace = tmp_path / "workspace"

    def run(*command, code=0):
        answer = CliRunner().invoke(main, [*command, "-w", str(workspace)])
        assert answer.exit_code == code, answer.output
        return answer.output

    run.workspace = workspace
    for name, (items, events) in shops.items():
        run("ingest", name, "--items", items, "--events", events)
    return run


def grant_all(shop):
    users = [part for at in range(PEOPLE) for part in ("--user", f"u{at}")]
    return shop("consent", "grant", "old", "new", *users)


def recommended(shop, user, k=4):
    return json.loads(shop("recommend", "new", "--user", user, "-k", str(k), "--json"))


def colours(slate):
    return [int(one["item_id"].removeprefix("new")) % 3 for one in slate["items"]]


def test_history_elsewhere_starts_this_one_and_says_so(shop):
    assert "90 new consents of 90" in grant_all(shop)
    shop("fit", "new")
    for user in ("u81", "u85", "u87"):  # nothing of theirs is known here
        slate = recommended(shop, user)
        taste = int(user[1:]) % 3
        assert slate["path"] == "linked history"
        assert not [note for note in slate["notes"] if "nothing personal is known" in note]
        first = slate["items"][0]
        assert int(first["item_id"].removeprefix("new")) % 3 == (taste + 1) % 3
        reasons = [one["text"] for item in slate["items"] for one in item["reasons"]]
        assert any(text.startswith("because you chose “") for text in reasons), reasons
        assert any("” in old" in text for text in reasons)
    doctor = shop("doctor")
    assert "90 people with a history in other scenarios" in doctor
    assert "0 own events: ndcg@10" in doctor


def test_reasons_are_worded_in_german_too(shop):
    grant_all(shop)
    shop("fit", "new")
    with Engine.open(shop.workspace, background=False) as engine:
        slate = engine.recommend("new", "u81", k=3, language="de")
    texts = [reason.text for item in slate.items for reason in item.reasons]
    assert any("in old gewählt wurde" in text for text in texts), texts


def test_a_revoked_consent_counts_from_the_next_request_on(shop):
    grant_all(shop)
    shop("fit", "new")
    with Engine.open(shop.workspace, background=False) as engine:  # goes on serving meanwhile
        before = engine.recommend("new", "u81", k=9)
        assert "linked-history" in {r.source for item in before.items for r in item.reasons}
        assert "1 consent taken back" in shop("consent", "revoke", "old", "new", "--user", "u81")
        after = engine.recommend("new", "u81", k=9)
        nobody = engine.recommend("new", "never-seen", k=9)
        assert (before.path, after.path) == ("linked history", "no history")
        assert after.item_ids == nobody.item_ids != before.item_ids
        assert engine.recommend("new", "u84", k=9).item_ids == before.item_ids, "hers holds"
        (batch,) = engine.recommend_many("new", ["u81"], k=9)
        assert batch.item_ids == nobody.item_ids
    shop("consent", "grant", "old", "new", "--user", "u81")
    assert [one["item_id"] for one in recommended(shop, "u81", 9)["items"]] == list(before.item_ids)


READING = (
    "items", "users", "events", "user_events", "acting_events", "user_fields", "events_of",
    "events_since", "list_events", "items_changed", "known_items", "list_items", "list_users",
)  # fmt: skip


def reads_of(monkeypatch):
    """Let the store write down whose tables it reads, and refuse the other scenario's."""
    seen = []

    def watch(name):
        original = getattr(SqliteStore, name)

        def call(self, scenario, *values, **options):
            seen.append((name, getattr(scenario, "name", scenario), *values[:1]))
            return original(self, scenario, *values, **options)

        monkeypatch.setattr(SqliteStore, name, call)

    for name in READING:
        watch(name)
    return seen


def test_without_consent_nothing_of_the_other_scenario_is_read(shop, monkeypatch):
    shop("link", "add", "old", "u1", "new", "u81")
    shop("consent", "grant", "new", "old", "--user", "u81")  # the other direction
    seen = reads_of(monkeypatch)
    shop("fit", "new")
    slate = recommended(shop, "u81")
    assert seen
    assert not [one for one in seen if one[1] == "old"]
    assert "linked-history" not in json.dumps(slate)
    states = open_artifact(shop.workspace / "artifacts" / "new").states
    assert not any("linked" in name for name in states), "nothing changes without consents"


def test_of_the_other_scenario_only_those_who_agreed_are_read(shop, monkeypatch):
    shop("consent", "grant", "old", "new", "--user", "u7", "--user", "u81")
    seen = reads_of(monkeypatch)
    shop("fit", "new")
    shop("recommend", "new", "--user", "u82")
    there = [one for one in seen if one[1] == "old"]
    assert {one[2] for one in there if one[0] == "user_events"} == {"u7", "u81"}
    assert {one[0] for one in there} == {"items", "user_events"}
    seen.clear()
    shop("recommend", "new", "--user", "u81")
    assert [one for one in seen if one[1] == "old"] == [("user_events", "old", "u81")]


def test_reading_is_left_until_it_is_needed(shop, monkeypatch):
    shop("consent", "grant", "old", "new", "--user", "u81")
    with Engine.open(shop.workspace, background=False) as engine:
        known = engine.registry.scenario
        seen = reads_of(monkeypatch)
        user = user_state_of(engine.workspace.store(), known("new"), Query(user_id="u81"), known)
        assert not [one for one in seen if one[1] == "old"]
        (one,) = user.linked
        assert (one.scenario, len(one.events)) == ("old", 5)
        alone = user_state_of(engine.workspace.store(), known("new"), Query(user_id="u81"))
        assert alone.linked == ()


def test_few_people_are_answered_by_text_and_the_report_says_so(shop):
    shop("consent", "grant", "old", "new", "--user", "u0", "--user", "u81")
    shop("fit", "new")
    assert "too few to measure whether it helps" in shop("doctor")
    slate = recommended(shop, "u81", 9)
    assert any("in old" in one["text"] for item in slate["items"] for one in item["reasons"])
    known = recommended(shop, "u0", 9)
    assert "in old" not in json.dumps(known), "who has events here is left to them"


def test_the_next_fit_does_not_learn_of_who_took_it_back(shop):
    grant_all(shop)
    with Engine.open(shop.workspace, background=False) as engine:
        store, registry = engine.workspace.store(), engine.registry

        def inputs():
            return read_inputs(engine.workspace, registry, "new", FitRequest()).dataset

        before = inputs()
        engine.revoke_consent("old", "new", ["u3"])
        after = inputs()
        gone = before.users.index("u3")
        assert gone in before.linked.users
        assert gone not in after.linked.users
        assert (before.linked.people, after.linked.people) == (90, 89)
        assert fingerprint(before) != fingerprint(after), "what a stopped fit kept is not used"
        engine.revoke_consent("old", "new")
        assert inputs().linked is None
        assert store.all_linked_users("new") == []


def test_other_ids_are_linked_by_a_file(shop, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("old,new\nu1,stranger\nu2,other\n")
    assert "2 new links of 2" in shop("link", "import", "old", "new", str(pairs))
    assert "0 new links of 2" in shop("link", "import", "old", "new", str(pairs))
    grant_all(shop)
    shop("fit", "new")
    assert colours(recommended(shop, "stranger", 1)) == [2]
    listed = shop("link", "list", "--scenario", "new")
    assert "stranger" in listed
    assert json.loads(shop("link", "list", "--user", "u1", "--json"))[0]["other_user_id"] == (
        "stranger"
    )
    assert "1 link removed" in shop("link", "remove", "old", "new", "--user", "u1")
    assert "linked-history" not in json.dumps(recommended(shop, "stranger", 9))
    assert "1 link removed" in shop("link", "remove", "new", "old", "--all")


def test_consents_are_listed_with_their_times(shop, tmp_path):
    users = tmp_path / "users.csv"
    users.write_text("user_id\nu1\nu2\n\n")
    shop("consent", "grant", "old", "new", "--users", str(users))
    shop("consent", "revoke", "old", "new", "--user", "u2")
    first, second = shop("consent", "list", "--source", "old").splitlines()[1:3]
    assert first.split()[:3] == ["u1", "old", "new"]
    assert (len(first.split()), len(second.split())) == (5, 7), "date and time, twice"
    (one,) = json.loads(shop("consent", "list", "--user", "u1", "--json"))
    assert one["revoked"] is None
    assert one["granted"] > 1e9
    assert json.loads(shop("consent", "revoke", "old", "new", "--all", "--json")) == {"revoked": 1}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("link", "add", "old", "u1", "nowhere", "u1"), 2, "nowhere"),
        (("link", "add", "old", "u1", "old", "u2"), 2, "name two different scenarios"),
        (("link", "add", "old", "", "new", "u2"), 2, "an id is empty"),
        (("link", "remove", "old", "new"), 2, "name --user, or --all"),
        (("link", "remove", "old", "new", "--all", "--user", "u1"), 2, "not both"),
        (("consent", "grant", "old", "new"), 2, "name the users: --user ID or --users FILE"),
        (("consent", "grant", "old", "new", "--user", ""), 2, "an id is empty"),
        (("consent", "revoke", "old", "new"), 2, "name --user or --users, or --all"),
        (("consent", "grant", "nowhere", "new", "--user", "u1"), 2, "nowhere"),
    ],
)  # fmt: skip
def test_bad_calls_get_one_line(shop, command, code, said):
    output = shop(*command, code=code)
    assert said in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no row behind its head"),
        (b"old,new\n", "no row behind its head"),
        (b"old,new\nu1,v1\nu2\n", "line 3: write 2 ids, separated by a comma; nothing was stored"),
        (b"old,new\nu1,\n", "line 2"),
        (b"old,new\nu1,v1\nu1,v2\n", "'u1' of old is linked to 'v1' of new already"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
    ],
)  # fmt: skip
def test_a_bad_file_stores_nothing(shop, tmp_path, content, said):
    file = tmp_path / "pairs.csv"
    file.write_bytes(content)
    output = shop("link", "import", "old", "new", str(file), code=1)
    assert said in output
    assert len(output.strip().splitlines()) == 1
    assert json.loads(shop("link", "list", "--json")) == []


def test_a_forgotten_person_is_gone_and_what_learnt_of_them_is_named(shop):
    shop("link", "add", "old", "u1", "new", "somebody-else-here")
    grant_all(shop)
    shop("fit", "new")
    receipt = json.loads(shop("forget", "--user", "u1", "--json"))
    assert receipt["links"] == 2, "a link and a consent"
    assert receipt["needs_fit"] == ["new"]
    assert "in another scenario" in receipt["artifacts"]["new"]["sources"]["linked-history"]
    assert json.loads(shop("link", "list", "--json")) == []
    assert json.loads(shop("consent", "list", "--user", "u1", "--json")) == []
    assert "0 links and consents deleted" in shop("forget", "--user", "u1")


def test_a_pipeline_file_uses_it_only_where_it_names_it(shop, tmp_path):
    grant_all(shop)
    own = tmp_path / "own.toml"
    own.write_text(PIPELINE)
    out = shop("fit", "new", "--pipeline", str(own), "--json")
    assert "90 people agreed" in out
    assert "linked-history" not in json.dumps(recommended(shop, "u81", 9))
    own.write_text(f'{PIPELINE}[[sources]]\nname = "linked-history"\n'
                   'settings = { encoder = "words" }\n')  # fmt: skip
    shop("fit", "new", "--pipeline", str(own))
    assert "in old" in json.dumps(recommended(shop, "u81", 9))


def test_an_encoder_that_depends_on_the_catalog_has_no_common_space(shop, tmp_path):
    grant_all(shop)
    own = tmp_path / "own.toml"
    own.write_text(PIPELINE.replace('"words"', '"whole"').replace("[[sources]]",
                   '[[sources]]\nname = "linked-history"\nsettings = { encoder = "whole" }\n'
                   "[[sources]]", 1))  # fmt: skip
    out = shop("fit", "new", "--pipeline", str(own), "--json")
    assert "linked histories are left out: the vectors of encoder whole depend" in out


@pytest.mark.parametrize("ranker", ["best", "weighted", "rrf"])
def test_no_ranker_can_drop_it_for_people_it_never_saw(shop, tmp_path, ranker):
    grant_all(shop)
    own = tmp_path / "own.toml"
    source = '[[sources]]\nname = "linked-history"\nsettings = { encoder = "words" }\n'
    own.write_text(f'ranker = "{ranker}"\n{PIPELINE}{source}')
    shop("fit", "new", "--pipeline", str(own))
    slate = recommended(shop, "u81", 9)
    assert "because you chose" in json.dumps(slate, ensure_ascii=False)
    assert colours(slate)[0] == 1
