"""The values that pass between components: slates, states, reasons."""

import json

import numpy as np
import pytest
from crossrec.components.evidence import Evidence, Reason
from crossrec.components.run import RunOptions
from crossrec.components.slate import Change, Degraded, Slate, SlateItem
from crossrec.components.state import State, pack_sparse, unpack_sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_matrix, random_array

ITEM = SlateItem(7, "i/ü", 0.5, "Tea", (Reason("knn", "often with “x”", ("x",), {"people": 3}),))


@given(st.integers(0, 5), st.integers(0, 6), st.integers(0, 2**16))
def test_sparse_matrices_survive_packing(rows, columns, seed):
    rng = np.random.default_rng(seed)
    dense = rng.random((rows, columns)).astype(np.float32) * (rng.random((rows, columns)) < 0.4)
    packed = pack_sparse("w", csr_matrix(dense))
    assert set(packed) == {"w.data", "w.indices", "w.indptr", "w.shape"}
    again = unpack_sparse("w", packed)
    assert again.shape == (rows, columns)
    assert np.array_equal(again.toarray(), dense)
    assert again.dtype == np.float32


def test_other_formats_are_packed_as_csr():
    found = coo_matrix(([1.0, 2.0], ([0, 2], [1, 0])), (3, 2))
    assert unpack_sparse("m", pack_sparse("m", found)).toarray().tolist() == [
        [0, 1],
        [0, 0],
        [2, 0],
    ]


def test_two_matrices_in_one_state_do_not_mix():
    a, b = random_array((3, 3), density=0.5, rng=0), random_array((2, 5), density=0.5, rng=1)
    arrays = {**pack_sparse("a", a), **pack_sparse("b", b)}
    assert np.array_equal(unpack_sparse("a", arrays).toarray(), a.toarray())
    assert np.array_equal(unpack_sparse("b", arrays).toarray(), b.toarray())


def test_unpacking_from_read_only_arrays():
    packed = pack_sparse("w", csr_matrix(np.eye(3, dtype=np.float32)))
    for array in packed.values():
        array.flags.writeable = False
    product = np.ones((1, 3), np.float32) @ unpack_sparse("w", packed)
    assert product.tolist() == [[1.0, 1.0, 1.0]]


def test_a_state_is_empty_unless_filled():
    assert State().arrays == {}
    assert State().values == {}


def test_a_change_is_worded_by_its_code():
    change = Change("p", "i9", "dropped", "expired", {"at": 0.0})
    assert change.why == "expired at 1970-01-01 00:00 UTC"


def test_the_public_form_is_json_and_holds_no_index():
    slate = Slate(
        (ITEM,),
        "r1",
        "shop",
        "home",
        "given history",
        "only 1 of 2",
        (Degraded("als", "MemoryError: large"),),
        (Change("p", "i9", "dropped", "expired", {"at": 0.0}),),
        ("note",),
    )
    assert json.loads(json.dumps(slate.to_dict())) == {
        "request_id": "r1",
        "scenario": "shop",
        "surface": "home",
        "path": "given history",
        "answers": "",
        "about": [],
        "heading": "",
        "items": [
            {
                "item_id": "i/ü",
                "title": "Tea",
                "score": 0.5,
                "propensity": 1.0,
                "reasons": [
                    {
                        "source": "knn",
                        "text": "often with “x”",
                        "history": ["x"],
                        "values": {"people": 3},
                    }
                ],
                "examples": [],
            }
        ],
        "short_because": "only 1 of 2",
        "degraded": [{"component": "als", "error": "MemoryError: large"}],
        "changes": [
            {
                "policy": "p",
                "item_id": "i9",
                "action": "dropped",
                "code": "expired",
                "values": {"at": 0.0},
                "why": "expired at 1970-01-01 00:00 UTC",
            }
        ],
        "notes": ["note"],
        "next_cursor": "",
    }


def test_changing_the_public_form_changes_no_slate():
    slate = Slate((ITEM,), changes=(Change("p", "i9", "dropped", "expired", {"at": 0.0}),))
    public = slate.to_dict()
    public["changes"][0]["values"]["at"] = 7.0
    public["items"][0]["reasons"][0]["values"].clear()
    public["items"].clear()
    assert slate.changes[0].values == {"at": 0.0}
    assert slate.item_ids == ("i/ü",)
    assert slate.items[0].reasons[0].values == {"people": 3}


def test_evidence_needs_no_history():
    assert Evidence("popular").history == ()
    assert Reason("fallback", "popular").history == ()


def test_progress_is_silent_by_default(capsys):
    RunOptions().progress("fitting", 1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["seed", "device", "cache"])
def test_run_options_are_frozen(name):
    with pytest.raises(AttributeError):
        setattr(RunOptions(), name, 1)
