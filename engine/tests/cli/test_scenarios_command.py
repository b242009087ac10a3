from __future__ import annotations

import json

import pytest

CHESS = """
    from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

    def demo(seed): ...

    def make():
        return Scenario(
            name="chess", summary="games of chess",
            events=(EventType("play", strength=2.0, aliases=("game",), consumes="soft"),),
            items=ItemSchema((ItemField("title", aliases=("name",)),), "{title}. {opening}"),
            surfaces=(Surface("home", summary="the front page", k=7),),
            pipeline="chess:default.toml", default_event="play", main_surface="home", demo=demo,
        )

    @hookimpl
    def register_scenarios(register):
        register("chess", make, summary="games of chess")
    """


@pytest.fixture
def chess(plugins):
    plugins.add("chess", CHESS)
    return lambda *arguments: plugins.crossrec("scenarios", *arguments, CROSSREC_PLUGINS="chess")


def test_list(chess):
    done = chess("list")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "SCENARIO  PACKAGE         SUMMARY",
        "chess     crossrec-chess  games of chess",
    ]


def test_list_as_json(chess):
    assert json.loads(chess("list", "--json").stdout) == [
        {"name": "chess", "summary": "games of chess", "distribution": "crossrec-chess"}
    ]


def test_show(chess):
    done = chess("show", "chess")
    assert done.returncode == 0
    for part in (
        "chess: games of chess",
        "play   2.0       none   soft      item     game",
        "title       text  name",
        "text: {title}. {opening}",
        "home     user   7  the front page",
        "default event: play",
        "main surface: home",
        "relations: none",
        "default pipeline: default pipeline of chess",
    ):
        assert part in done.stdout


def test_show_as_json(chess):
    shown = json.loads(chess("show", "chess", "--json").stdout)
    assert shown["name"] == "chess"
    assert shown["events"][0]["aliases"] == ["game"]
    assert shown["items"]["text_template"] == "{title}. {opening}"
    assert shown["surfaces"][0]["k"] == 7
    assert shown["demo"].endswith(":demo")
    assert shown["default_pipeline"] is None, "there is no such file"


def test_an_unknown_scenario_names_the_nearest(chess):
    done = chess("show", "ches")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: unknown scenario 'ches': did you mean 'chess'? installed: chess\n"
    )


def test_the_error_of_a_missing_scenario_names_what_to_install(plugins):
    done = plugins.crossrec("scenarios", "show", "musik", CROSSREC_PLUGINS="")
    assert done.returncode == 2
    assert "did you mean 'music'? installed: none; 'music' comes with crossrec-music" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_error_without_any_scenario_names_what_to_install(plugins):
    done = plugins.crossrec("scenarios", "list", CROSSREC_PLUGINS="")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: no scenario is installed: run `crossrec install")
    assert (
        json.loads(plugins.crossrec("scenarios", "list", "--json", CROSSREC_PLUGINS="").stdout)
        == []
    )
