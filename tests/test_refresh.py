"""``crossrec refresh`` and ``crossrec forget`` through the command line, with what is installed."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.pipeline.saving import load_pipeline
from crossrec.plugins.registry import load_registry
from crossrec.testing.toy import batch
from crossrec.workspace import Workspace

#: Sources that an update leaves as a fit on all events would have them.
LEARN = ("popularity", "covisitation", "item-knn", "user-knn", "prior-ease", "content")
OWN = """
encoder = ""
history = "keep"
ranker = "rrf"
policies = []
""" + "".join(
    f'\n[[sources]]\nname = "{name}"\n'
    + ('[sources.settings.text]\nencoder = ""\n' if name in ("prior-ease", "content") else "")
    for name in (*LEARN, "ease")
)
KINDS = ("cordless drill", "porcelain teapot")
WHO = "zz-unmistakable-77"


class Desk:
    """One workspace, its files and the command line."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder, self.where = folder, folder / "ws"
        self.pipeline = folder / "own.toml"
        self.pipeline.write_text(OWN)

    def call(self, command, *more, code=0):
        words = [str(word) for word in (command, *more, "-w", self.where)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output + result.stderr
        return result.stdout if code == 0 else result.stderr

    def items(self, *numbers):
        rows = "".join(f"p{n},{KINDS[n % 2]} number {n}\n" for n in numbers)
        self._ingest("items", "item_id,title\n" + rows)

    def events(self, rows):
        lines = "".join(f"{user},p{item},{kind},{time}\n" for user, item, kind, time in rows)
        self._ingest("events", "user_id,item_id,event_type,time\n" + lines)

    def _ingest(self, kind, text):
        path = self.folder / f"{kind}.csv"
        path.write_text(text)
        self.call("ingest", "ecommerce", f"--{kind}", path)

    def fit(self):
        self.call("fit", "ecommerce", "--pipeline", self.pipeline, "--no-backbone")

    def stored(self):
        space = Workspace.open(self.where)
        return load_pipeline(space.artifact_path("ecommerce"), load_registry())


def history(seed=0):
    """Buyers who keep to one kind, in the order of time."""
    rng = np.random.default_rng(seed)
    return [
        (f"u{user}", int(2 * rng.integers(0, 15) + user % 2), "purchase", 1_700_000_000 + 60 * at)
        for at, user in enumerate(rng.permutation(np.repeat(np.arange(30), 5)))
    ]


def later():
    """A refund, an earlier event than all, a second purchase, and two new buyers."""
    first = history()
    user, item, _, _ = first[-1]
    return [
        (user, item, "refund", 1_710_000_000),
        ("u3", 7, "view", 1_600_000_000),
        (first[0][0], first[0][1], "purchase", 1_710_000_100),
        *((f"new{n}", 2 * at + n, "purchase", 1_710_000_200 + at) for n in (0, 1) for at in (1, 4)),
    ]


@pytest.fixture
def desk(tmp_path):
    def make(name="one", fit=True):
        desk = Desk(tmp_path / name)
        desk.items(*range(30))
        desk.events(history())
        if fit:
            desk.fit()
        return desk

    return make


def same_scores(ours, theirs, labels):
    n_items = len(ours.catalog)
    queries = batch([[0, 2, 4], [1], [3, 5, 9, 7], []], _like())
    index = np.tile(np.arange(n_items), (len(queries), 1))
    for label in labels:
        left, right = (one.sources[label].score(queries, index) for one in (ours, theirs))
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5, err_msg=label)


def _like():
    from crossrec.testing.toy import shop

    return shop().queries


def test_a_refresh_equals_a_fit_on_all_events(desk):
    refreshed, fitted = desk(), desk("two", fit=False)
    refreshed.events(later())
    report = json.loads(refreshed.call("refresh", "ecommerce", "--json"))
    assert (report["items"], report["users"], report["events"]) == (0, 2, 7)
    assert report["published"]
    status = {label: one["status"] for label, one in report["sources"].items()}
    assert status == {**dict.fromkeys(LEARN, "updated"), "ease": "waits"}
    doctor = refreshed.call("doctor")
    assert "fitted on 157 events of 32 users and 30 items\n" in doctor
    assert "new events wait for a fit in: ease" in doctor
    fitted.events(later())
    fitted.fit()
    same_scores(refreshed.stored(), fitted.stored(), LEARN)
    np.testing.assert_array_equal(refreshed.stored().people, fitted.stored().people)


def test_new_items_and_events_in_one_go(desk):
    one = desk()
    one.items(30, 31)
    one.events([("u0", 30, "purchase", 1_710_000_000), ("u2", 30, "purchase", 1_710_000_001)])
    text = one.call("refresh", "ecommerce")
    assert text.splitlines()[0] == "ecommerce: 2 new items, 0 new users and 2 new events"
    assert "ease" in text
    assert "only in a fit" in text
    found = json.loads(one.call("recommend", "ecommerce", "--history", "p30", "-k", 40, "--json"))
    ids = [item["item_id"] for item in found["items"]]
    assert "p31" in ids
    assert not found["degraded"]
    assert one.call("refresh", "ecommerce").startswith("ecommerce: nothing is new")


def test_what_has_to_be_said_first(desk, tmp_path):
    one = desk(fit=False)
    assert "run `crossrec fit ecommerce` first" in one.call("refresh", "ecommerce", code=1)
    assert "ecommerc" in one.call("refresh", "ecommerc", code=2)
    nowhere = Desk(tmp_path / "nowhere")
    assert "there is no workspace" in nowhere.call("refresh", "ecommerce", code=1)
    assert "there is no workspace" in nowhere.call("forget", "--user", "u1", code=1)


def test_a_forgotten_buyer_leaves_what_a_fit_without_them_learns(desk):
    one, without = desk(fit=False), desk("two")
    rows = [(WHO, item, "purchase", 1_705_000_000 + item) for item in (0, 2, 4)]
    one.events(rows)
    one.fit()
    receipt = json.loads(one.call("forget", "--user", WHO, "--json"))
    assert receipt["events"] == {"ecommerce": 3}
    sources = receipt["artifacts"]["ecommerce"]["sources"]
    assert [label for label, done in sources.items() if done == "forgotten"] == list(LEARN)
    assert sources["ease"].startswith("needs a fit")
    assert receipt["needs_fit"] == ["ecommerce"]
    same_scores(one.stored(), without.stored(), LEARN)
    for path in one.where.rglob("*"):
        assert path.is_dir() or WHO.encode() not in path.read_bytes(), path
