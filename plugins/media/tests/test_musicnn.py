"""A checkpoint of TensorFlow is read without it, and the tagger that lies in it hears."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError, DataError
from crossrec_media.settings import SoundConfig
from crossrec_media.sound import musicnn
from crossrec_media.sound.command import sound_model
from crossrec_media.sound.encoder import SoundEncoder
from crossrec_media.sound.logmel import log_mel
from crossrec_media.sound.tf_checkpoint import Variable, read_index, read_variables
from crossrec_media.tiny import wav
from hypothesis import given
from hypothesis import strategies as st

RATE = 16_000


def number(value: int) -> bytes:
    """Write a number of variable length."""
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(at: int, value: int | bytes) -> bytes:
    """Write a field of a protocol buffer."""
    if isinstance(value, int):
        return number(at << 3) + number(value)
    return number(at << 3 | 2) + number(len(value)) + value


def block(entries: dict[bytes, bytes], kind: int = 0) -> bytes:
    """Write a block of a table, keys shortened by what they share with the one before."""
    out, before = b"", b""
    for key, value in entries.items():
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        own = key[shared:]
        out += number(shared) + number(len(own)) + number(len(value)) + own + value
        before = key
    return out + (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes([kind]) + b"\0\0\0\0"


def checkpoint(arrays: dict[str, np.ndarray], *, kind: int = 0, shards: int = 1):
    """Write an index and its data as TensorFlow does."""
    data, entries = b"", {b"": field(1, shards)}
    for name in sorted(arrays):
        array = arrays[name]
        sizes = b"".join(field(2, field(1, size)) for size in array.shape)
        code = {"float32": 1, "float64": 2, "int64": 9, "bool": 10}[str(array.dtype)]
        value = field(1, code) + field(2, sizes) + field(4, len(data)) + field(5, array.nbytes)
        entries[name.encode()] = value + b"\x35\x01\x02\x03\x04"  # a checksum of 32 bits
        data += array.tobytes()
    first = block(entries, kind)
    handle = number(0) + number(len(first) - 5)
    second = block({b"~": handle})
    footer = number(0) + number(0) + number(len(first)) + number(len(second) - 5)
    whole = first + second + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    return whole, data


arrays = st.dictionaries(
    st.text("abc/_", min_size=1, max_size=8),
    st.tuples(st.lists(st.integers(0, 3), max_size=3), st.sampled_from(["f4", "f8", "i8"])),
    max_size=6,
)


@given(arrays)
def test_what_was_written_is_read(described) -> None:
    rng = np.random.default_rng(0)
    given_ = {
        name: (9 * rng.normal(size=shape)).astype(kind) for name, (shape, kind) in described.items()
    }
    index, data = checkpoint(given_)
    found = read_variables(read_index(index), data)
    assert set(found) == set(given_)
    for name, array in given_.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_other_types_are_left_out() -> None:
    index, _ = checkpoint({"flag": np.ones(2, dtype=bool), "x": np.ones(2, dtype=np.float32)})
    assert list(read_index(index)) == ["x"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", "no index"),
        (b"x" * 100, "no index"),
        (checkpoint({"x": np.ones(1)}, kind=1)[0], "compressed"),
        (checkpoint({"x": np.ones(1)}, shards=2)[0], "several data files"),
    ],
)
def test_what_is_no_index_is_named(index: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_index(index)


@given(st.integers(0, 200), st.integers(0, 255))
def test_damage_is_an_error_of_data_or_read(at: int, byte: int) -> None:
    index, _ = checkpoint({"one/two": np.ones((2, 3)), "one/three": np.ones(4)})
    damaged = index[: at % len(index)] + bytes([byte]) + index[at % len(index) + 1 :]
    try:
        found = read_index(damaged)
    except DataError:
        return
    assert all(isinstance(one, Variable) for one in found.values())


def test_data_that_end_too_soon_are_named() -> None:
    index, data = checkpoint({"x": np.ones(4)})
    with pytest.raises(DataError, match="end before x"):
        read_variables(read_index(index), data[:-1])


def layers() -> dict[str, np.ndarray]:
    """Weights of the tagger's shapes, drawn at random."""
    rng = np.random.default_rng(0)
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), *((size, 1, 1, 51) for size in (128, 64, 32))]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    widths = [1, *(one[3] for one in kernels), 2 * 753, 200]
    found = {}
    for at, shape in enumerate(kernels):
        found[f"{'conv2d' + (f'_{at}' if at else '')}/kernel"] = rng.normal(0, 0.05, shape)
        found[f"{'conv2d' + (f'_{at}' if at else '')}/bias"] = np.zeros(shape[3])
    for at, width in enumerate(widths):
        name = "batch_normalization" + (f"_{at}" if at else "")
        for part in ("gamma", "moving_variance"):
            found[f"{name}/{part}"] = np.ones(width)
        for part in ("beta", "moving_mean"):
            found[f"{name}/{part}"] = np.zeros(width)
    found |= {"dense/kernel": rng.normal(0, 0.05, (1506, 200)), "dense/bias": np.zeros(200)}
    found |= {"dense_1/kernel": rng.normal(0, 0.05, (200, 3)), "dense_1/bias": np.zeros(3)}
    return {name: array.astype(np.float32) for name, array in found.items()}


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A folder like the package's, with random weights, those of its training beside them."""
    folder = tmp_path_factory.mktemp("package") / "musicnn"
    (folder / "MTT_musicnn").mkdir(parents=True)
    extra = {"dense/kernel/Adam": np.ones(3, np.float32), "beta1_power": np.ones((), np.float32)}
    index, data = checkpoint({**layers(), **extra})
    (folder / "MTT_musicnn" / ".index").write_bytes(index)
    (folder / "MTT_musicnn" / ".data-00000-of-00001").write_bytes(data)
    (folder / "configuration.py").write_text("SR = 16000\nMTT_LABELS = ['slow', 'loud', 'harp']\n")
    return folder


@pytest.fixture(scope="module")
def weights(package, tmp_path_factory) -> Path:
    pytest.importorskip("torch")
    out = tmp_path_factory.mktemp("weights") / "tagger.safetensors"
    result = CliRunner().invoke(sound_model, [str(package), str(out)])
    assert result.exit_code == 0, result.output
    count = sum(array.size for array in layers().values())
    assert result.output.endswith(f"MTT_musicnn, {count:,} weights\n")
    return out


def test_a_wheel_is_read_like_a_folder(package, weights, tmp_path) -> None:
    wheel = tmp_path / "musicnn.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path in package.rglob("*"):
            file.write(path, path.relative_to(package.parent).as_posix())
    musicnn.convert(wheel, "MTT_musicnn", tmp_path / "again.safetensors")
    from safetensors.numpy import load_file

    first, second = load_file(weights), load_file(tmp_path / "again.safetensors")
    assert set(first) == set(second)
    assert all((first[name] == second[name]).all() for name in first)


def test_the_network_agrees_with_arithmetic_by_hand(weights) -> None:
    """Everything again in numpy, by sums over windows: two ways, one answer."""
    tagger = musicnn.Musicnn(weights)
    bands = np.random.default_rng(1).random((musicnn.PATCH, 96)).astype(np.float32)
    vector, tags = tagger.hear(bands)
    w, scale = layers(), 1 / np.sqrt(1 + 1e-3)

    def convolved(x, name, pads):
        kernel = w[f"{name}/kernel"][:, :, 0].astype(np.float64)
        padded = np.pad(x, (pads, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        out = np.einsum("tfij,ijo->tfo", windows, kernel, optimize=True)
        return np.maximum(out, 0).astype(np.float64) * scale

    x = bands.astype(np.float64) * scale
    pads = [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
    names = ["conv2d", *(f"conv2d_{at}" for at in range(1, 5))]
    front = [convolved(x, name, pad).max(axis=1) for name, pad in zip(names, pads, strict=True)]
    middle = [np.concatenate(front, axis=1)]
    for at in (5, 6, 7):
        y = convolved(middle[-1], f"conv2d_{at}", (3, 3))[:, 0]
        middle.append(y if at == 5 else y + middle[-1])
    features = np.concatenate(middle, axis=1)
    pooled = np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).ravel() * scale
    last = np.maximum(pooled @ w["dense/kernel"], 0) * scale
    np.testing.assert_allclose(vector, last, rtol=1e-3, atol=1e-3)
    expected = 1 / (1 + np.exp(-(last @ w["dense_1/kernel"])))
    np.testing.assert_allclose(tags, expected, rtol=1e-3, atol=1e-3)
    assert tagger.named(tags, 1) == [["slow", "loud", "harp"][int(expected.argmax())]]


def test_short_sounds_are_repeated(weights) -> None:
    tagger = musicnn.Musicnn(weights)
    bands = np.random.default_rng(1).random((50, 96)).astype(np.float32)
    whole = np.tile(bands, (4, 1))[: musicnn.PATCH]
    np.testing.assert_allclose(tagger.hear(bands)[0], tagger.hear(whole)[0], rtol=1e-5)


def test_the_encoder_gives_its_vectors(weights, tmp_path, catalog_of) -> None:
    tone = np.sin(np.arange(2 * RATE) / 9).astype(np.float32)
    (tmp_path / "a.wav").write_bytes(wav(tone))
    encoder = SoundEncoder(SoundConfig(folder=str(tmp_path), model=str(weights)))
    rows = encoder.encode(catalog_of("x", "y"), RunOptions())
    assert rows.shape == (2, musicnn.WIDTH)
    wanted = musicnn.Musicnn(weights).hear(log_mel(tone))[0]
    np.testing.assert_allclose(rows[0], wanted / np.linalg.norm(wanted), atol=1e-3)


def test_what_is_no_package_or_no_tagger_is_named(tmp_path, package, weights) -> None:
    with pytest.raises(ConfigError, match="pip download --no-deps musicnn"):
        musicnn.convert(tmp_path, "MTT_musicnn", tmp_path / "out")
    with pytest.raises(ConfigError, match="no checkpoint 'other'"):
        musicnn.convert(package, "other", tmp_path / "out")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(ConfigError, match="neither the wheel"):
        musicnn.convert(tmp_path / "junk", "MTT_musicnn", tmp_path / "out")
    with pytest.raises(ConfigError, match="holds no weights"):
        musicnn.Musicnn(tmp_path / "junk")
    from safetensors.numpy import save_file

    save_file({"x": np.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match="no music tagger"):
        musicnn.Musicnn(tmp_path / "other.safetensors")


@pytest.mark.skipif(find_spec("musicnn") is None, reason="the package musicnn is not here")
def test_the_real_tagger_hears_what_was_generated(tmp_path) -> None:
    """Drums are drums, and a quiet sine is a flute: heard in sounds that no licence covers."""
    pytest.importorskip("torch")
    spec = find_spec("musicnn")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    place = Path(next(iter(spec.submodule_search_locations)))
    musicnn.convert(place, "MTT_musicnn", tmp_path / "mtt.safetensors")
    tagger = musicnn.Musicnn(tmp_path / "mtt.safetensors")
    times, rng = np.arange(6 * RATE) / RATE, np.random.default_rng(0)
    drums = np.zeros(len(times))
    for beat in np.arange(0, 6, 0.25):
        since = np.maximum(times - beat, 0)
        struck = times > beat
        drums += struck * np.exp(-40 * since) * rng.normal(size=len(times))
        drums += struck * np.exp(-12 * since) * np.sin(2 * np.pi * 60 * since)
    heard = {
        "drums": tagger.hear(log_mel((drums / np.abs(drums).max()).astype(np.float32)))[1],
        "sine": tagger.hear(log_mel((0.02 * np.sin(880 * np.pi * times)).astype(np.float32)))[1],
    }
    assert {"drums", "beat"} == set(tagger.named(heard["drums"], 2))
    assert {"flute", "quiet"} == set(tagger.named(heard["sine"], 2))
