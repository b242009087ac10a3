"""How the shipped backbones are made: the settings of the benchmark, full cards, the same bytes."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import crossrec_backbone
import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec_backbone.pretrained.model import MANIFEST, load_backbone
from crossrec_backbone.pretraining import pretrain as pretraining
from crossrec_backbone.ranking.features import COLUMN_NAMES
from crossrec_backbone.ranking.trees import RankerConfig

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SHIPPED = sorted(Path(crossrec_backbone.__file__).parent.glob(f"models/*/{MANIFEST}"))
WORDS = ("copper kettle", "linen curtain", "garden lamp", "desert guitar")


@pytest.fixture(scope="module")
def maker():
    """The script, beside the modules that it imports."""
    sys.path.insert(0, str(BENCHMARKS))
    yield import_module("backbone")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def transfer(maker) -> ModuleType:
    return sys.modules["transfer"]


@pytest.fixture
def real_sets(maker) -> ModuleType:
    return sys.modules["real_sets"]


def source(seed: int) -> Dataset:
    """Items of four kinds, users who stay with one."""
    rng = np.random.default_rng(seed)
    titles = tuple(f"{WORDS[i % 4]} {i}" for i in range(40))
    catalog = Catalog(
        Vocabulary([f"s{seed}i{i}" for i in range(40)]),
        titles,
        titles,
        tuple((WORDS[i % 4].split()[1],) for i in range(40)),
        ("",) * 40,
        np.ones(40, dtype=bool),
    )
    rows = [4 * rng.permutation(10)[:6] + user % 4 for user in range(60)]
    events = Events.from_columns(np.repeat(np.arange(60), 6), np.concatenate(rows))
    users = Vocabulary([f"u{user}" for user in range(60)])
    return Dataset.build(users, catalog, events, has_clock=False)


class Generated(dict):
    """Generated sets under the names of real ones, in place of `real_sets.Sets`."""

    def __init__(self, cache: Path, names: tuple[str, ...]) -> None:
        super().__init__({name: source(at) for at, name in enumerate(names)})
        self.cache, self.sources = cache, names

    def without(self, *names: str) -> list[tuple[str, str, Dataset]]:
        from real_sets import Sets

        return Sets.without(self, *names)


NAMES = ("scientific", "uci", "lastfm")


@pytest.fixture
def small(maker):
    ranker = RankerConfig(rounds=8, leaves=4, min_leaf=20)
    return maker.settings_of(30, (0, 100)).model_copy(update={"ranker": ranker})


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_data_and_settings_give_the_same_bytes(maker, small, tmp_path) -> None:
    for name in ("one", "two"):
        sets = Generated(tmp_path / f"cache {name}", NAMES)
        for recipe in maker.RECIPES:
            maker.build(recipe, sets, small, tmp_path / name)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {r.name for r in maker.RECIPES}
    changed = Generated(tmp_path / "cache three", NAMES)
    changed["uci"] = source(7)
    maker.build(maker.RECIPES[0], changed, small, tmp_path / "three")
    assert content(tmp_path / "three") != content(tmp_path / "one" / maker.RECIPES[0].name)
    # A second run on the same cache writes the same files and computes nothing.
    maker.build(maker.RECIPES[0], Generated(tmp_path / "cache one", NAMES), small, tmp_path / "one")
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_the_cards_name_data_licences_and_what_was_left_out(maker, small, tmp_path) -> None:
    sets = Generated(tmp_path / "cache", NAMES)
    whole, without = (maker.build(one, sets, small, tmp_path / "out") for one in maker.RECIPES)
    card = load_backbone(tmp_path / "out" / "four-scenarios").card
    assert card == json.loads(json.dumps(whole.card, allow_nan=False))
    assert [one["name"] for one in card["sources"]] == list(NAMES)
    assert [one["title"] for one in card["sources"]] == [maker.DATA[name][0] for name in NAMES]
    assert [one["licence"] for one in card["sources"]] == [maker.DATA[n][1] for n in NAMES]
    assert card["domains"] == ["ecommerce", "music"]
    assert set(card["leave_one_out"]["results"]) == set(NAMES)
    assert any("nothing to restore one from" in limit for limit in card["limits"])
    assert "research" in card["licence"]
    assert [one["name"] for one in without.card["sources"]] == ["uci", "lastfm"]
    assert without.card["never_seen"] == ["scientific"]
    assert without.heads["general"].text != whole.heads["general"].text


def test_no_text_or_id_of_a_source_is_in_the_files(maker, small, tmp_path) -> None:
    sets = Generated(tmp_path / "cache", NAMES)
    maker.build(maker.RECIPES[0], sets, small, tmp_path)
    files = content(tmp_path / "four-scenarios")
    text = b"\n".join(files.values()).decode()
    secrets = [word for words in WORDS for word in words.split()]
    secrets += [item for dataset in sets.values() for item in dataset.catalog.items.ids]
    assert not [secret for secret in secrets if secret in text]
    for name, head in files.items():
        if name.startswith("heads/"):
            lines = head.decode().split("end of trees")[0].splitlines()
            keys = {line.partition("=")[0] for line in lines if "=" in line}
            assert keys <= KEYS, "a tree holds nothing but splits, leaves and counts"


#: All that LightGBM writes of a model.
WRITTEN = """Tree version num_class num_tree_per_iteration label_index max_feature_idx objective
feature_names monotone_constraints feature_infos tree_sizes num_leaves num_cat split_feature
split_gain threshold decision_type left_child right_child leaf_value leaf_weight leaf_count
internal_value internal_weight internal_count is_linear shrinkage"""
KEYS = set(WRITTEN.split())


def test_the_settings_are_those_of_the_benchmark(maker, transfer, monkeypatch, tmp_path) -> None:
    """Else the examples in its cache would not be found, and the cards would be wrong."""
    seen = {}

    def taken(sources, config, run, checkpoint):
        seen.update(config=config, run=run, checkpoint=checkpoint)
        raise KeyboardInterrupt  # enough is known

    monkeypatch.setattr(pretraining, "pretrain", taken)
    sets = Generated(tmp_path, ("uci", "lastfm"))
    with pytest.raises(KeyboardInterrupt):
        transfer.backbone_without("uci", sets)
    ours = maker.settings_of()
    same = {"leave_one_out", "leave_one_out_positives"}
    assert ours.model_dump(exclude=same) == seen["config"].model_dump(exclude=same)
    assert ours.leave_one_out
    assert seen["checkpoint"] == tmp_path / "pretraining"
    assert (seen["run"].seed, seen["run"].threads) == (0, 1)


def test_every_set_has_a_title_and_a_licence(maker, real_sets) -> None:
    names = set(real_sets.TRANSFER)
    assert names <= set(maker.DATA)
    assert all(title and licence for title, licence in maker.DATA.values())
    scenarios = {real_sets.SETS[name].scenario for name in names}
    assert scenarios == {"ecommerce", "video", "music", "social"}
    assert all(set(recipe.without) <= names for recipe in maker.RECIPES)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--positives", "5"), "out of its own"),
        (("--levels", "0,10"), "out of its own"),
        (("--sources", "uci"), "out of its own"),
        (("--sources", "uci,moon", "--out", "x"), "no set is called moon"),
        ((), "--cache"),
    ],
)
def test_a_trial_never_lands_in_the_distribution(maker, capsys, arguments, what, tmp_path) -> None:
    cache = () if what == "--cache" else ("--cache", str(tmp_path))
    with pytest.raises(SystemExit):
        maker.main([*cache, *arguments])
    assert what in capsys.readouterr().err


def test_without_the_data_nothing_happens(maker, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path / "none"))
    before = content(maker.MODELS)
    assert maker.main(["--cache", str(tmp_path / "cache")]) == 0
    assert "nothing was pretrained" in capsys.readouterr().out
    assert content(maker.MODELS) == before
    assert not (tmp_path / "cache").exists()


def test_from_the_command_to_the_folder(maker, small, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path))
    monkeypatch.setattr(maker, "Sets", Generated)
    monkeypatch.setattr(maker, "settings_of", lambda positives, levels: small)
    arguments = ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out")]
    sets = SimpleNamespace(names=("uci", "lastfm"))
    assert maker.main([*arguments, "--sources", ",".join(sets.names)]) == 0
    printed = capsys.readouterr().out
    assert "four-scenarios: heads general, ecommerce, music" in printed
    assert load_backbone(tmp_path / "out" / "without-scientific").card["domains"] == [
        "ecommerce",
        "music",
    ]
    monkeypatch.setattr(maker, "LIMIT", 100)
    assert maker.main([*arguments, "--sources", "uci"]) == 1, "too large is not silently shipped"


@pytest.mark.skipif(not SHIPPED, reason="no backbone is shipped yet")
def test_what_is_shipped_was_made_by_this_script(maker, real_sets) -> None:
    made = {path.parent.name: load_backbone(path.parent) for path in SHIPPED}
    assert set(made) == {recipe.name for recipe in maker.RECIPES}
    for recipe in maker.RECIPES:
        card = made[recipe.name].card
        wanted = maker.settings_of()
        # As where a backbone is loaded, a setting that came later than the card has its default.
        assert type(wanted).model_validate(card["settings"]) == wanted
        assert card["seed"] == 0
        assert card["columns"] == list(COLUMN_NAMES)
        names = [name for name in real_sets.TRANSFER if name not in recipe.without]
        assert [one["name"] for one in card["sources"]] == names
        assert card == {**card, "about": recipe.about, "use": recipe.use, "licence": maker.LICENCE}
        assert all(one["licence"] == maker.DATA[one["name"]][1] for one in card["sources"])


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED, reason="no backbone is shipped yet")
@pytest.mark.parametrize("name", ["uci", "lastfm", "scientific"])
def test_the_sizes_in_the_cards_are_those_of_the_sets(
    real_sets, monkeypatch, tmp_path, name: str
) -> None:
    if real_sets.datasets() is None:
        pytest.skip("the research data sets are absent")
    monkeypatch.setattr(real_sets, "ENCODER", "tfidf-svd")  # sizes do not depend on the vectors
    dataset = real_sets.read(real_sets.SETS[name], tmp_path)
    for path in SHIPPED:
        for source_row in load_backbone(path.parent).card["sources"]:
            if source_row["name"] == name:
                sizes = (dataset.n_items, dataset.n_users, len(dataset.interactions))
                keys = ("items", "users", "events")
                assert tuple(source_row[key] for key in keys) == sizes
