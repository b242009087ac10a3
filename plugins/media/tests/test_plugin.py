"""What the package registers, and a picture's whole way through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec.cli.root import CrossrecGroup
from crossrec.components.protocols import CandidateGenerator, Encoder
from crossrec.errors import ConfigError
from crossrec.plugins.registration import Registration
from crossrec_media import plugin
from crossrec_media.tiny import picture_of, png

#: Of its own, whatever commands another test has loaded.
COMMAND = CrossrecGroup(name="crossrec")


def registered() -> dict[str, Registration]:
    found: dict[str, Registration] = {}

    def register(name, factory, *, config=None, capabilities=frozenset(), summary=""):
        found[name] = Registration("x", name, factory, config, frozenset(capabilities), summary)

    plugin.register_encoders(register=register)
    plugin.register_candidate_generators(register=register)
    return found


@pytest.mark.parametrize("name", sorted(registered()))
def test_what_is_registered_can_be_built_with_default_settings(name) -> None:
    one = registered()[name]
    assert isinstance(one.build(), CandidateGenerator if name == "alike" else Encoder)
    assert one.summary


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("image", {"largest": 0}, "largest"),
        ("image", {"foldr": "x"}, "has no setting 'foldr'"),
        ("image", {"megapixels": -1}, "megapixels"),
        ("alike", {"decay": 0}, "decay"),
        ("vectors", {"files": "x"}, "has no setting 'files'"),
    ],
)
def test_settings_that_do_not_fit_are_named(name, settings, message) -> None:
    with pytest.raises(ConfigError, match=message):
        registered()[name].build(settings)


def test_registering_imports_nothing_heavy() -> None:
    code = (
        "import sys, click, crossrec_media.plugin as plugin\n"
        "register = lambda *_, **__: None\n"
        "plugin.register_encoders(register=register)\n"
        "plugin.register_candidate_generators(register=register)\n"
        "heavy = {'torch', 'PIL', 'av', 'scipy', 'pandas', 'numpy', 'pydantic', 'http.client'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def run(*words: str | Path) -> str:
    result = CliRunner().invoke(COMMAND, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


PIPELINE = """
encoder = ""
sources = [
    {{ name = "popularity" }},
    {{ name = "alike", settings = {{ encoder = "image" }} }},
]

[[encoders]]
name = "image"
settings = {{ folder = "{pictures}", model = "{model}" }}

[surfaces.similar_items]
sources = ["alike"]
"""


def test_pictures_go_from_a_folder_into_a_list(tmp_path, tiny_vit) -> None:
    """Items without a word in common: only their pictures say which are alike."""
    pytest.importorskip("PIL")
    pictures, ws = tmp_path / "pictures", tmp_path / "ws"
    pictures.mkdir()
    for number in range(12):
        text = "scarlet" if number % 2 else "navy"
        (pictures / f"i{number}.png").write_bytes(png(picture_of(text, 16 + number)))
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\n" + "".join(f"i{n},name{n}\n" for n in range(12)))
    events = tmp_path / "events.csv"
    rows = [
        f"u{u},i{(u + at) % 12},{1_600_000_000 + 100 * u + at}" for u in range(9) for at in (0, 1)
    ]
    events.write_text("user_id,item_id,timestamp\n" + "\n".join(rows) + "\n")
    file = tmp_path / "media.toml"
    file.write_text(PIPELINE.format(pictures=pictures, model=tiny_vit))
    run("ingest", "ecommerce", "--items", items, "--events", events, "-w", ws)
    run("fit", "ecommerce", "--pipeline", file, "--no-backbone", "-w", ws)
    words = ("similar", "ecommerce", "i1", "-k", "5", "--json", "-w", ws)
    near = [item["item_id"] for item in json.loads(run(*words))["items"]]
    assert {int(id_[1:]) % 2 for id_ in near} == {1}
    shown = run("recommend", "ecommerce", "--item", "i1", "-k", "3", "--explain", "-w", ws)
    assert "looks like “name1”" in shown
