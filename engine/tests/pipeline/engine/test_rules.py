"""Rules of a file take the place of those that serve, without a fit; a preview writes nothing."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from crossrec import Engine
from crossrec.components.ranked import PolicyChange
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.errors import ArtifactError, ConfigError, NotFittedError, UsageError
from crossrec.pipeline.rule_changes import with_rules
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_750_000_000.0


class NotConfig(Settings):
    item: str = "r0"


class Not:
    """Drops one item."""

    settings_model = NotConfig

    def __init__(self, config):
        self.config = config

    def apply(self, ranked, context):
        index = context.items.catalog.items.index(self.config.item)
        return ranked.without(ranked.index == index, "not_this")


class Lottery:
    """Puts a random item of the pool in front."""

    def apply(self, ranked, context):
        if not len(ranked):
            return ranked
        at = int(context.rng.integers(len(ranked)))
        order = np.concatenate([[at], np.delete(np.arange(len(ranked)), at)])
        score = np.linspace(1, 0.1, len(ranked))
        moved = ranked.take(order, PolicyChange(int(ranked.index[at]), "moved", "drawn"))
        return type(ranked)(moved.index, score, moved.propensity, moved.changes)


class CountsCalls:
    """Learns how often it was called."""

    able = frozenset({"learn"})
    settings_model = NotConfig

    def __init__(self, config):
        self.config, self.calls = config, 0

    def apply(self, ranked, context):
        return ranked

    def learn(self, feedback):
        self.calls += 1

    def state(self):
        return State({"calls": np.array([self.calls])})

    def restore(self, state, catalog):
        self.calls = int(state.arrays["calls"][0])


@pytest.fixture(scope="module")
def ruled_registry(engine_registry, make_registry):
    """The engine's registry with policies; its scenarios stay."""
    scenarios = {
        name: (lambda name=name: engine_registry.scenario(name)) for name in ("red", "blue")
    }
    policies = {"not": Not, "lottery": Lottery, "counts": CountsCalls}
    return make_registry(scenarios=scenarios, policies=policies)


@pytest.fixture
def shop(workspace, ruled_registry):
    engine = Engine(workspace, ruled_registry, background=False)
    engine.fit("red")
    return engine


@pytest.fixture
def rules(tmp_path):
    def write(text):
        path = tmp_path / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def versions(workspace):
    return sorted(path.name for path in workspace.artifact_path("red").iterdir())


def test_the_next_request_obeys_and_the_fit_stays(shop, workspace, rules):
    before = shop.recommend("red", "u2", k=8, now=NOW)
    fitted = shop.pipeline("red").report
    path = rules(
        'policies = [{name = "not", settings = {item = "r2"}}]\n'
        "[surfaces.shelf]\nk = 2\nfallback = []\nfilter = \"title <> 'red 4'\"\n"
    )
    assert shop.apply_rules("red", path) == (
        "surfaces.home.policies",
        "surfaces.shelf.policies",
        "surfaces.shelf.filter",
        "surfaces.shelf.k",
        "surfaces.shelf.fallback",
        "surfaces.like-this.policies",
    )
    after = shop.recommend("red", "u2", k=8, now=NOW)
    assert "r2" in before.item_ids
    assert after.item_ids == tuple(item for item in before.item_ids if item != "r2")
    assert [(one.item_id, one.code) for one in after.changes] == [("r2", "not_this")]
    shelf = shop.recommend("red", "u2", surface="shelf", now=NOW)
    assert len(shelf.items) == 2
    assert not {"r2", "r4"} & set(shelf.item_ids)
    assert shop.pipeline("red").report == fitted
    # another process finds the same
    other = Engine(workspace, shop.registry, background=False)
    assert other.recommend("red", "u2", k=8, now=NOW).item_ids == after.item_ids


def test_the_same_rules_again_write_nothing(shop, workspace, rules):
    path = rules("filter = \"title <> 'red 4'\"\n")
    assert shop.apply_rules("red", path)
    there = versions(workspace)
    assert shop.apply_rules("red", path) == ()
    assert versions(workspace) == there
    assert shop.apply_rules("red", rules('filter = ""\n')) == (
        "surfaces.home.filter",
        "surfaces.shelf.filter",
        "surfaces.like-this.filter",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('sources = [{name = "popular"}]', "sources differs from what serves"),
        ('ranker = "best"', "ranker differs"),
        ("candidates = 7", "candidates differs"),
        ('[surfaces.home]\nranker = "best"', "surfaces.home.ranker differs"),
        ('[surfaces.home]\nsources = ["popular"]', "surfaces.home.sources differs"),
        ('[surfaces.home]\nhistory = "keep"', "surfaces.home.history differs"),
        ("[surfaces.window]\nk = 3", "surfaces.window differs"),
        ('policies = ["no-such"]', "no-such"),
        ('policies = [{name = "not", settings = {itme = "r1"}}]', "itme"),
        ('filter = "colour = 1"', "no item has a field 'colour'"),
        ('filter = "title ="', "title ="),
        ("[surfaces.home]\nk = 0", "home: k: Input should be greater"),
        ('[surfaces.home]\nfallback = ["nobody"]', "nobody"),
        ("polices = []", "polices"),
        ("surfaces = 3", "surfaces are tables"),
        ("no TOML", "rules.toml"),
    ],
)
def test_what_needs_a_fit_or_is_wrong_is_refused_in_one_line(shop, workspace, rules, text, says):
    there, path = versions(workspace), rules(text)
    for call in (shop.apply_rules, shop.preview_rules):
        with pytest.raises((ConfigError, UsageError)) as error:
            call("red", path)
        assert says in str(error.value)
        assert "\n" not in str(error.value)
        assert error.value.exit_code == 2
    assert versions(workspace) == there
    assert shop.recommend("red", "u2").items


def test_keys_that_say_what_serves_are_no_change(shop, rules):
    path = rules('sources = [{name = "popular"}, {name = "together"}]\npolicies = ["not"]\n')
    assert len(shop.apply_rules("red", path)) == 3


def test_a_rule_for_all_goes_before_that_of_one_surface(shop, rules):
    shop.apply_rules("red", rules('[surfaces.home]\npolicies = ["lottery"]\n'))
    shop.apply_rules("red", rules('policies = ["not"]\n'))
    config = shop.pipeline("red").config
    assert [one.name for one in config.policies_of("home")] == ["not"]
    shop.apply_rules("red", rules('policies = []\n[surfaces.home]\npolicies = ["lottery"]\n'))
    config = shop.pipeline("red").config
    assert [one.name for one in config.policies_of("home")] == ["lottery"]
    assert config.policies_of("shelf") == ()


def test_without_a_fit_there_is_nothing_to_change(workspace, ruled_registry, rules):
    engine = Engine(workspace, ruled_registry, background=False)
    for call in (engine.apply_rules, engine.preview_rules):
        with pytest.raises(NotFittedError, match="crossrec fit blue"):
            call("blue", rules("policies = []"))
    engine.fit("red")
    with pytest.raises(ConfigError, match="there is no pipeline file"):
        engine.apply_rules("red", rules("policies = []").with_name("gone.toml"))


def test_what_a_policy_learnt_stays_with_its_settings(shop, ruled_registry, rules):
    shop.apply_rules("red", rules('policies = ["counts"]\n'))
    pipeline = shop.pipeline("red")
    served = pipeline.surfaces["home"].policies["counts"]
    served.learn(None)
    config = pipeline.config.model_copy(update={"filter": "title <> 'red 4'"})
    again = with_rules(pipeline, config, ruled_registry)
    assert again.surfaces["home"].policies["counts"] is served
    other = pipeline.config.model_validate(
        {
            **pipeline.config.model_dump(),
            "policies": [{"name": "counts", "settings": {"item": "r1"}}],
        }
    )
    stamped = type(pipeline)(**{**vars_of(pipeline), "report": {"policies_learnt": {
        "home/counts": [3, 4], "gone/counts": [1, 1]}}})  # fmt: skip
    fresh = with_rules(stamped, other, ruled_registry)
    assert fresh.surfaces["home"].policies["counts"].calls == 0
    assert fresh.report["policies_learnt"] == {}
    kept = with_rules(stamped, config, ruled_registry)
    assert kept.report["policies_learnt"] == {"home/counts": [3, 4]}


def vars_of(pipeline):
    return {name: getattr(pipeline, name) for name in type(pipeline).__dataclass_fields__}


def test_a_part_that_cannot_be_restored_is_not_lost(shop, workspace, make_registry, rules):
    """As in a refresh: the new version would lack it."""
    poor = make_registry(
        scenarios={"red": lambda: shop.registry.scenario("red")},
        policies={"not": Not},
        candidate_generators={"together": lambda: 1 / 0},
    )
    engine = Engine(workspace, poor, background=False)
    with pytest.raises(ArtifactError, match="cannot be restored"):
        engine.apply_rules("red", rules('policies = ["not"]\n'))


def test_requests_beside_a_change_see_the_old_rules_or_the_new(shop, rules):
    old = shop.recommend("red", "u2", k=8, now=NOW).item_ids
    new = tuple(item for item in old if item != "r2")
    seen, stop = set(), threading.Event()

    def ask():
        while not stop.is_set():
            seen.add(shop.recommend("red", "u2", k=8, now=NOW, explain=False).item_ids)

    thread = threading.Thread(target=ask)
    thread.start()
    shop.apply_rules("red", rules('policies = [{name = "not", settings = {item = "r2"}}]\n'))
    shop.recommend("red", "u2", k=8, now=NOW)
    stop.set()
    thread.join()
    assert seen <= {old, new}


def test_a_preview_says_what_leaves_enters_and_why(shop, workspace, rules):
    there = versions(workspace)
    path = rules('policies = [{name = "not", settings = {item = "r2"}}]\n[surfaces.home]\nk = 3\n')
    found = shop.preview_rules("red", path, user_ids=["u0", "u2", "u1"], now=NOW)
    assert versions(workspace) == there
    assert (found.scenario, found.surface, found.k) == ("red", "home", 3)
    for one in found.lists:
        assert one.before == shop.recommend("red", one.subject, now=NOW).item_ids
        left = {move.item_id for move in one.moves if move.action == "leaves"}
        assert left == set(one.before) - set(one.after)
        for move in one.moves:
            if move.item_id == "r2":
                assert move.codes == ("not: not_this",)
                assert move.why == "the policy not dropped it: not this"
            elif move.action == "leaves":
                assert move.codes == ("outranked",)
                assert "3 are shown" in move.why
    assert any("r2" in one.before for one in found.lists)
    shop.apply_rules("red", path)
    for one in found.lists:
        assert one.after == shop.recommend("red", one.subject, now=NOW).item_ids


def test_what_comes_back_says_which_rule_let_it(shop, rules):
    shop.apply_rules("red", rules('filter = "title <> \'red 2\'"\npolicies = ["not"]\n'))
    found = shop.preview_rules("red", rules('filter = ""\npolicies = []\n'), user_ids=["u2"])
    moves = {move.item_id: move for one in found.lists for move in one.moves}
    assert moves["r0"].action == "enters"
    assert moves["r0"].codes == ("no longer not: not_this",)
    assert moves["r2"].codes == ("filter",)
    assert moves["r2"].why.startswith("so far: it does not meet the filter")
    assert found.codes["enters filter"] == 1


def test_chance_is_the_same_on_both_sides(shop, rules):
    """Lists that draw lots differ by the rule alone, not by the draw."""
    shop.apply_rules("red", rules('policies = ["lottery"]\n'))
    found = shop.preview_rules("red", rules("[surfaces.shelf]\nk = 2\n"), users=12)
    assert found.rules == ("surfaces.shelf.k",)
    assert len(found.lists) == 12
    assert not found.changed
    assert (found.share, found.overlap) == (0.0, 1.0)
    assert len({one.before[0] for one in found.lists}) > 2, "the lottery draws"


def test_users_are_drawn_by_the_seed_and_items_where_lists_are_about_items(shop, rules):
    path = rules('policies = ["not"]\n')
    first, again = (shop.preview_rules("red", path, users=5, seed=3, now=NOW) for _ in range(2))
    assert first == again
    subjects = [one.subject for one in first.lists]
    assert len(set(subjects)) == 5
    other = shop.preview_rules("red", path, users=5, seed=4, now=NOW)
    assert [one.subject for one in other.lists] != subjects
    about = shop.preview_rules("red", path, users=100, surface="like-this", now=NOW)
    assert [one.subject for one in about.lists] == [f"r{at}" for at in range(8)]
    with pytest.raises(UsageError, match="about no user"):
        shop.preview_rules("red", path, surface="like-this", user_ids=["u1"])
    with pytest.raises(UsageError, match="no surface 'hom'"):
        shop.preview_rules("red", path, surface="hom")
    with pytest.raises(UsageError, match="at least one"):
        shop.preview_rules("red", path, users=0)


@pytest.fixture(scope="module")
def measured():
    from crossrec.pipeline.rule_preview import ListChange, RulePreview

    def preview(pairs):
        lists = tuple(
            ListChange(
                str(at),
                tuple(map(str, before)),
                tuple(map(str, after)),
                len(set(before) & set(after)) / max(len(before), len(after), 1),
            )
            for at, (before, after) in enumerate(pairs)
        )
        return RulePreview("red", "home", 3, (), lists)

    return preview


@given(st.lists(st.tuples(st.permutations([1, 2, 3]), st.permutations([1, 2, 4])), max_size=5))
def test_share_and_overlap_are_those_of_the_lists(measured, pairs):
    found = measured(pairs)
    assert len(found.changed) == len(pairs)
    assert found.share == (1.0 if pairs else 0.0)
    assert found.overlap == pytest.approx(2 / 3 if pairs else 1.0)
    assert found.to_dict()["overlap"] == found.overlap


SAME = (
    'policies = [{name = "not", settings = {item = "r4"}}]\n',
    "filter = \"title <> 'red 3'\"\nboost = \"CASE WHEN title = 'red 5' THEN 9 ELSE 1 END\"\n",
    "[surfaces.home]\nk = 3\nfallback = []\n[surfaces.shelf]\nk = 6\n",
    '[surfaces.like-this]\npolicies = ["not"]\nfallback = ["together", "newest"]\n',
    '[surfaces.home]\nfallback = ["newest"]\nfilter = "history.length > 0"\n',
)


@pytest.mark.parametrize("text", SAME)
def test_it_is_what_a_fit_with_the_file_would_serve(shop, workspace, rules, text):
    """Every list of every surface, to the last place."""

    def lists():
        found = {}
        for name, served in shop.pipeline("red").surfaces.items():
            for at in range(8):
                about = {"item_ids": [f"r{at}"]} if served.plan.about_items else {}
                user = None if about else f"u{at}"
                slate = shop.recommend("red", user, surface=name, now=NOW, **about)
                found[name, at] = slate.item_ids, slate.changes, slate.short_because
        return found

    path = rules(text)
    shop.apply_rules("red", path)
    applied, config = lists(), shop.pipeline("red").config
    shop.fit("red", pipeline_file=path)
    assert shop.pipeline("red").config == config
    assert lists() == applied


def test_a_later_refresh_keeps_the_rules(shop, workspace, rules, write):
    shop.apply_rules("red", rules('policies = [{name = "not", settings = {item = "r2"}}]\n'))
    write(workspace, "red", ["user_id,item_id,event_type,time", "u3,r1,view,1750000000"])
    assert shop.refresh("red").published
    assert [one.name for one in shop.pipeline("red").config.policies] == ["not"]
    assert "r2" not in shop.recommend("red", "u2", k=8, now=NOW).item_ids


def test_a_rule_holds_for_items_that_came_after_the_fit(shop, workspace, rules, write):
    lines = ["user_id,item_id,event_type,time", "u4,r8,view,1750000000"]
    write(workspace, "red", lines, [("r8", "red 8")])
    path = rules("filter = \"title = 'red 8' OR title = 'red 0'\"\n")
    found = shop.preview_rules("red", path, user_ids=["u2"], now=NOW)
    assert set(found.lists[0].after) <= {"r0", "r8"}
    shop.apply_rules("red", path)
    assert set(shop.recommend("red", "u2", k=8, now=NOW).item_ids) <= {"r0", "r8"}
