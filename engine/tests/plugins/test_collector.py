from __future__ import annotations

import pytest
from crossrec.errors import PluginError
from crossrec.plugins.collector import Collector
from crossrec.plugins.registration import CAPABILITIES


@pytest.fixture
def collector():
    return Collector("mine", "crossrec-mine")


def test_keeps_what_is_registered_in_its_order(collector):
    register = collector.register_for("candidate_generators")
    register("b", "pkg.mod:B", config="pkg.mod:Config", capabilities={"score", "explain"})
    register("a", dict, config=dict, summary="one line")
    b, a = collector.registrations
    assert (b.kind, b.name, b.factory) == ("candidate_generators", "b", "pkg.mod:B")
    assert b.config == "pkg.mod:Config"
    assert b.capabilities == frozenset({"score", "explain"})
    assert (a.name, a.factory, a.config, a.summary) == ("a", dict, dict, "one line")
    assert (a.plugin, a.distribution) == ("mine", "crossrec-mine")


def test_capabilities_default_to_none(collector):
    collector.register_for("encoders")("x", "m:F")
    assert collector.registrations[0].capabilities == frozenset()


@pytest.mark.parametrize("name", ["", "a b", "pkg:name", "a,b", None, 3, "tab\tname"])
def test_refuses_names_that_cannot_be_written_in_a_pipeline(collector, name):
    with pytest.raises(PluginError, match="a name must not hold a blank"):
        collector.register_for("encoders")(name, "m:F")


@pytest.mark.parametrize("name", ["ease", "item-knn", "tf.idf_2", "émoji", "🎵"])
def test_takes_any_other_name(collector, name):
    collector.register_for("encoders")(name, "m:F")
    assert collector.registrations[0].name == name


def test_refuses_one_name_twice_within_a_kind(collector):
    collector.register_for("encoders")("x", "m:F")
    collector.register_for("rankers")("x", "m:F")
    with pytest.raises(PluginError, match="registers 'x' twice"):
        collector.register_for("encoders")("x", "m:G")


@pytest.mark.parametrize("factory", ["module", "module:", ":Name", "a b:C", 7, None, ["m:F"]])
def test_refuses_a_factory_that_cannot_be_called(collector, factory):
    with pytest.raises(PluginError, match="the factory is a callable or"):
        collector.register_for("encoders")("x", factory)
    assert collector.registrations == []


@pytest.mark.parametrize("config", ["module", 7, {"a": 1}])
def test_refuses_a_config_that_is_no_class(collector, config):
    with pytest.raises(PluginError, match="the config is a class or"):
        collector.register_for("encoders")("x", "m:F", config=config)


def test_refuses_a_capability_that_crossrec_has_not(collector):
    with pytest.raises(PluginError, match="unknown capability 'explains'") as caught:
        collector.register_for("encoders")("x", "m:F", capabilities={"score", "explains"})
    assert all(name in str(caught.value) for name in CAPABILITIES)


def test_refuses_a_capability_that_is_no_set(collector):
    with pytest.raises(PluginError, match="capabilities are a set"):
        collector.register_for("encoders")("x", "m:F", capabilities="score")


@pytest.mark.parametrize("capability", sorted(CAPABILITIES))
def test_takes_every_declared_capability(collector, capability):
    collector.register_for("encoders")("x", "m:F", capabilities=[capability])
    assert collector.registrations[0].capabilities == {capability}
