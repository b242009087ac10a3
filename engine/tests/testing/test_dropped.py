"""An author may not drop a test of the kit unnoticed."""

from __future__ import annotations

import inspect

import pytest
from crossrec.testing import (
    CandidateGeneratorTests,
    DemoDataTests,
    EncoderTests,
    PolicyTests,
    RankerTests,
    ScenarioPackageTests,
    ScenarioTests,
)
from crossrec.testing.base import Kit

KITS = (
    CandidateGeneratorTests,
    DemoDataTests,
    EncoderTests,
    PolicyTests,
    RankerTests,
    ScenarioPackageTests,
    ScenarioTests,
)
SAYS = r"replaces test_batch_equals_single of the conformance kit.*xfail"


def test_replacing_a_test_is_refused() -> None:
    with pytest.raises(TypeError, match=SAYS):

        class TestMine(CandidateGeneratorTests):
            def test_batch_equals_single(self) -> None:  # type: ignore[override]
                pass


def test_removing_a_test_is_refused() -> None:
    with pytest.raises(TypeError, match=SAYS):

        class TestMine(CandidateGeneratorTests):
            test_batch_equals_single = None  # type: ignore[assignment]


def test_replacing_it_through_a_second_base_is_refused() -> None:
    class Sneaky:
        def test_batch_equals_single(self) -> None:
            pass

    with pytest.raises(TypeError, match=SAYS):
        type("TestMine", (Sneaky, CandidateGeneratorTests), {})


def test_replacing_it_in_a_grandchild_is_refused() -> None:
    class TestMine(RankerTests):
        component = "rrf"

    with pytest.raises(TypeError, match=SAYS):
        type("TestMore", (TestMine,), {"test_batch_equals_single": lambda self: None})


def test_skipping_it_is_no_excuse() -> None:
    with pytest.raises(TypeError, match=SAYS):

        class TestMine(RankerTests):
            @pytest.mark.skip(reason="later")
            def test_batch_equals_single(self) -> None:
                pass


def test_an_expected_failure_without_a_reason_is_refused() -> None:
    with pytest.raises(TypeError, match=SAYS):

        class TestMine(RankerTests):
            @pytest.mark.xfail
            def test_batch_equals_single(self) -> None:
                pass


def test_an_expected_failure_with_a_reason_is_the_way() -> None:
    class TestMine(RankerTests):
        @pytest.mark.xfail(reason="sums in float16")
        def test_batch_equals_single(self) -> None:
            super().test_batch_equals_single()

    assert TestMine.component == ""


def test_further_tests_and_helpers_are_welcome() -> None:
    class TestMine(RankerTests):
        component = "rrf"

        def test_of_my_own(self) -> None:
            pass

        def helper(self) -> None:
            pass

    assert TestMine.component == "rrf"


@pytest.mark.parametrize("kit", KITS)
def test_every_test_of_the_kit_is_documented_and_inherited(kit: type[Kit]) -> None:
    names = [name for name in dir(kit) if name.startswith("test_")]
    assert len(names) >= 8
    child = type("TestChild", (kit,), {})
    for name in names:
        assert inspect.getdoc(getattr(kit, name)), name
        assert getattr(child, name) is getattr(kit, name)


@pytest.mark.parametrize("kit", KITS)
def test_the_kit_itself_is_not_collected(kit: type[Kit]) -> None:
    assert not kit.__name__.startswith("Test")


def test_an_unknown_component_is_named() -> None:
    from crossrec.errors import UsageError

    class TestMine(CandidateGeneratorTests):
        component = "no-such-source"

    with pytest.raises(UsageError, match="no-such-source"):
        TestMine().build()
