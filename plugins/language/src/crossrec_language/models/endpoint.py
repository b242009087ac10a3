"""The language model `endpoint`: any server that speaks the protocol of chat completions."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from crossrec.components.settings import Settings
from crossrec.errors import ConfigError
from pydantic import Field, field_validator, model_validator

from crossrec_language.errors import ModelCallError
from crossrec_language.models.chat import TOKENS_A_WORD, first_words, messages
from crossrec_language.models.transport import Limits, post_json

if TYPE_CHECKING:
    import ssl

    import httpx


class EndpointConfig(Settings):
    """Settings of `endpoint`.

    Attributes
    ----------
    url : str
        Where the protocol begins, such as ``http://localhost:8080/v1``; ``/chat/completions`` is
        added.
    model : str
        Name of the model there.
    key_variable : str
        Environment variable that holds the key; no key is sent where it is not set. The key itself
        is no setting, so that it stands in no file and no report.
    timeout : float
        Seconds for one prompt, all tries together.
    retries : int
        Tries after the first, where another may help.
    parallel : int
        Prompts that are sent at the same time.
    max_bytes : int
        An answer that is longer is refused.
    price : float
        US dollars for 1,000 tokens.
    """

    url: str = ""
    model: str = ""
    key_variable: str = "CROSSREC_LANGUAGE_KEY"
    timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    max_bytes: Annotated[int, Field(ge=1000)] = 1_000_000
    price: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("write it as https://HOST/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("no user, password or query in it: the key comes from key_variable")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_whole(self) -> EndpointConfig:
        if self.url and not self.model:
            raise ValueError("model is missing: name the model at that url")
        return self


class EndpointModel:
    """Sends each prompt as a chat of one turn, at temperature 0 with the seed."""

    def __init__(self, config: EndpointConfig | None = None) -> None:
        self.config = config or EndpointConfig()
        self._limits = Limits(self.config.timeout, self.config.retries, self.config.max_bytes)

    @property
    def name(self) -> str:
        """The model and the host that it runs on."""
        host = urlsplit(self.config.url).netloc
        return f"{self.config.model} at {host}" if host else "endpoint without url"

    @property
    def cost(self) -> float:
        """US dollars for 1,000 tokens."""
        return self.config.price

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Return the answers; "" to an empty prompt, which is not sent.

        Raises
        ------
        ModelCallError
            If the endpoint does not answer one of them as the protocol says.
        ConfigError
            If there is no url.
        """
        wanted = [at for at, prompt in enumerate(prompts) if prompt.strip()]
        answers = [""] * len(prompts)
        if not wanted:
            return answers
        headers = self._headers()

        def one(at: int) -> str:
            return self._one(headers, prompts[at], max_tokens, seed)

        with ThreadPoolExecutor(min(self.config.parallel, len(wanted))) as pool:
            for at, answer in zip(wanted, pool.map(one, wanted), strict=True):
                answers[at] = answer
        return answers

    def _one(self, headers: dict[str, str], prompt: str, max_tokens: int, seed: int) -> str:
        payload = {
            "model": self.config.model,
            "messages": messages(prompt),
            "max_tokens": TOKENS_A_WORD * max_tokens,
            "temperature": 0,
            "seed": seed,
        }
        url = f"{self.config.url}/chat/completions"

        def opened() -> httpx.Client:
            import httpx

            return httpx.Client(headers=headers, follow_redirects=False, verify=self._certificates)

        found = post_json(opened, url, payload, self._limits, self._key)
        return first_words(_content(found), max_tokens)

    @property
    def _key(self) -> str:
        return os.environ.get(self.config.key_variable, "").strip()

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        """The authorities that are trusted, read once."""
        import httpx

        return httpx.create_ssl_context()

    def _headers(self) -> dict[str, str]:
        """Return the key as a header; nothing where there is no key.

        Raises
        ------
        ConfigError
            If there is no url, or the key cannot be sent there.
        """
        if not self.config.url:
            raise ConfigError(
                'endpoint: url is missing: settings = { url = "https://HOST/v1", model = "NAME" }'
            )
        if not self._key:
            return {}
        if not self._key.isascii() or not self._key.isprintable():
            raise ConfigError(f"{self.config.key_variable} holds no key: odd characters in it")
        if not is_private(self.config.url):
            raise ConfigError(
                "endpoint: a key is sent over https only, or to this machine: change the url"
            )
        return {"authorization": f"Bearer {self._key}"}


def is_private(url: str) -> bool:
    """Whether nobody on the way can read along: https, or this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _content(found: dict[str, Any]) -> str:
    """Return the text of a chat completion; "" where it says nothing.

    Raises
    ------
    ModelCallError
        If it is no such thing.
    """
    try:
        content = found["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ModelCallError("the answer is no chat completion: it has no choices") from None
    if content is not None and not isinstance(content, str):
        raise ModelCallError("the answer is no chat completion: its content is no text")
    return content or ""
