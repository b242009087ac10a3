"""What a fit keeps until it publishes: taken again, never where anything differs."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from crossrec.components.run import NoCheckpoints, RunOptions
from crossrec.components.state import State
from crossrec.data.events import Events
from crossrec.pipeline.fit import fit_pipeline, fit_sources
from crossrec.pipeline.kept_fits import (
    KeptFit,
    StateFolder,
    drop_kept_fits,
    fingerprint,
    open_kept_fit,
)
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY
from crossrec.testing.toy_sources import Popular, Together

RUN = RunOptions(seed=1)
STATE = State({"x": np.arange(5, dtype=np.float32)}, {"n": 3, "name": "é"})


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_state_comes_back_as_it_was(tmp_path):
    folder = StateFolder(tmp_path / "a")
    assert folder.get("k") is None
    folder.put("k", STATE)
    found = folder.get("k")
    np.testing.assert_array_equal(found.arrays["x"], STATE.arrays["x"])
    assert dict(found.values) == STATE.values
    assert folder.get("other") is None


def test_putting_again_replaces(tmp_path):
    folder = StateFolder(tmp_path)
    folder.put("k", STATE)
    folder.put("k", State({}, {"n": 4}))
    assert folder.get("k").values == {"n": 4}


@pytest.mark.parametrize("name", ["state.safetensors", "values.json", "kept.json"])
@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_damaged_state_is_none_and_deleted(tmp_path, name, how):
    folder = StateFolder(tmp_path)
    folder.put("k", STATE)
    (path,) = tmp_path.rglob(name)
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-3] if how == "cut" else whole[:-1] + b"?")
    assert folder.get("k") is None
    assert not files_in(tmp_path)


def test_what_cannot_be_written_is_left_out(tmp_path):
    (tmp_path / "file").touch()
    folder = StateFolder(tmp_path / "file")
    folder.put("k", STATE)
    assert folder.get("k") is None
    StateFolder(tmp_path).put("k", State({"x": np.array([object()])}))
    assert StateFolder(tmp_path).get("k") is None


def test_without_checkpoints_nothing_is_kept():
    nothing = NoCheckpoints()
    nothing.put("k", STATE)
    assert nothing.get("k") is None
    assert isinstance(RunOptions().checkpoints, NoCheckpoints)


class TestFingerprint:
    def test_equal_data_have_equal_ones(self, dataset):
        again = replace(dataset, events=replace(dataset.events))
        assert fingerprint(again) == fingerprint(dataset)

    @pytest.mark.parametrize("column", ["users", "items", "types", "times", "weights"])
    def test_any_changed_event_changes_it(self, dataset, column):
        values = np.array(getattr(dataset.events, column))
        values[3] += 1
        events = replace(dataset.events, **{column: values})
        assert fingerprint(replace(dataset, events=events)) != fingerprint(dataset)

    def test_so_do_texts_vectors_and_the_clock(self, dataset):
        catalog = dataset.catalog
        vectors = np.zeros((dataset.n_items, 2), dtype=np.float32)
        others = [
            dataset.with_events(Events.empty()),
            replace(dataset, catalog=catalog.with_texts(["x", *catalog.texts[1:]])),
            dataset.with_vectors("a", vectors),
            dataset.with_vectors("b", vectors),
            dataset.with_vectors("a", vectors + 1),
            replace(dataset, has_clock=not dataset.has_clock),
        ]
        assert len({fingerprint(one) for one in (dataset, *others)}) == 1 + len(others)

    def test_text_cannot_move_from_one_item_to_the_next(self, dataset):
        texts = list(dataset.catalog.texts)
        one, two = ["ab", "c", *texts[2:]], ["a", "bc", *texts[2:]]
        prints = {
            fingerprint(replace(dataset, catalog=dataset.catalog.with_texts(each)))
            for each in (one, two)
        }
        assert len(prints) == 2


class Counting(Popular):
    """Counts its fits, in a list that all share."""

    fits: ClassVar[list[int]] = []

    def fit(self, dataset, run):
        self.fits.append(len(dataset.events))
        super().fit(dataset, run)


class Stops(Together):
    """A fit that is stopped, as by Ctrl-C, until it is let go on."""

    stopped: ClassVar[list[bool]] = [True]

    def fit(self, dataset, run):
        if self.stopped[0]:
            raise KeyboardInterrupt
        super().fit(dataset, run)


@pytest.fixture
def stopped(dataset, make_registry, make_config, tmp_path):
    """A fit that was stopped in its second source, and what goes on with it."""
    Counting.fits.clear()
    Stops.stopped[0] = True
    registry = make_registry(candidate_generators={"counting": Counting, "stops": Stops})
    resolved = resolve_pipeline(make_config("counting", "stops"), registry)

    def go_on(run=RUN, data=dataset):
        return fit_pipeline(TOY, data, resolved, run, kept=open_kept_fit(tmp_path, "toy", run))

    with pytest.raises(KeyboardInterrupt):
        go_on()
    assert len(Counting.fits) == 1
    Stops.stopped[0] = False
    return go_on


def test_a_fit_goes_on_where_it_was_stopped(stopped):
    pipeline = stopped()
    assert len(Counting.fits) == 2, "before the cut it was taken, on all events it was fitted"
    assert pipeline.report["notes"] == [
        "counting before the cut: taken from the fit that was stopped"
    ]
    again = stopped()
    assert len(Counting.fits) == 2
    assert len(again.report["notes"]) == 4
    assert again.report["fit_seconds"] == pipeline.report["fit_seconds"]
    np.testing.assert_array_equal(
        again.sources["counting"].counts, pipeline.sources["counting"].counts
    )


@pytest.mark.parametrize("run", [replace(RUN, seed=2), replace(RUN, effort="quick")])
def test_other_options_start_anew_and_delete_what_was_kept(stopped, tmp_path, run):
    (before,) = (tmp_path / "fits" / "toy").iterdir()
    stopped(run)
    assert len(Counting.fits) == 3
    assert before not in list((tmp_path / "fits" / "toy").iterdir())


def test_other_events_start_anew(stopped, dataset):
    stopped(data=dataset.with_events(dataset.events.take(np.arange(len(dataset.events) - 9))))
    assert len(Counting.fits) == 3


def test_a_damaged_state_is_fitted_again(stopped, tmp_path):
    (path,) = tmp_path.rglob("state.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert stopped().report["notes"] == []
    assert len(Counting.fits) == 3


def test_a_state_that_its_source_refuses_is_fitted_again(stopped, monkeypatch):
    restore = Counting.restore

    def refuses(self, state, catalog):
        monkeypatch.setattr(Counting, "restore", restore)
        raise ValueError("what is this?")

    monkeypatch.setattr(Counting, "restore", refuses)
    assert stopped().report["notes"] == []
    assert len(Counting.fits) == 3


def test_a_source_may_keep_parts_until_it_is_whole(dataset, make_registry, make_config, tmp_path):
    class Long(Popular):
        found: ClassVar[list[object]] = []

        def fit(self, dataset, run):
            self.found.append(run.checkpoints.get("half"))
            run.checkpoints.put("half", STATE)
            if len(self.found) == 1:
                raise KeyboardInterrupt
            super().fit(dataset, run)

    resolved = resolve_pipeline(
        make_config("long"), make_registry(candidate_generators={"long": Long})
    )
    kept = KeptFit(tmp_path).on(dataset)
    with pytest.raises(KeyboardInterrupt):
        fit_sources(dataset, resolved, RUN, "before the cut", kept=kept)
    fit_sources(dataset, resolved, RUN, "before the cut", kept=kept)
    assert Long.found[0] is None
    assert Long.found[1].values == STATE.values
    assert not list(tmp_path.glob("parts-*")), "the parts are gone when the source is whole"
    other = KeptFit(tmp_path).on(dataset.with_events(Events.empty()))
    fit_sources(dataset, resolved, RUN, "before the cut", kept=other)
    assert Long.found[2] is None, "parts belong to one dataset"


def test_kept_fits_are_dropped_by_scenario_and_all_at_once(tmp_path):
    for name in ("a", "b"):
        StateFolder(tmp_path / "fits" / name / "key").put("k", STATE)
    assert drop_kept_fits(tmp_path, "a") == 3
    assert {path.name for path in (tmp_path / "fits").iterdir()} == {"b"}
    assert drop_kept_fits(tmp_path) == 3
    assert not (tmp_path / "fits").exists()
    assert drop_kept_fits(tmp_path) == 0
    assert tmp_path.is_dir()
