"""The name that was probably meant."""

import pytest
from crossrec.errors import nearest


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("eese", ["ease", "als"], "ease"),
        ("EASE", ["ease", "als"], "ease"),
        ("musik", ["Music", "video"], "Music"),
        ("zzz", ["ease", "als"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_name(name, names, meant):
    assert nearest(name, names) == meant


def test_a_lower_cutoff_takes_what_is_less_similar():
    assert nearest("click", ["like", "view"]) is None
    assert nearest("click", ["like", "view"], cutoff=0.4) == "like"
