"""One request to an endpoint: a deadline for all tries together, a limit on size, few retries."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any

from crossrec_language.errors import ModelCallError

if TYPE_CHECKING:
    import httpx

#: Answers after which another try may help.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_REMEDIES = {
    401: "check the key",
    403: "the key may not use this model",
    404: "check url and model",
    413: "the text is too long for this model",
}
#: Characters that a message repeats of what an endpoint says.
_SHOWN = 200


@dataclass(frozen=True)
class Limits:
    """What one request may take.

    Attributes
    ----------
    seconds : float
        For all tries together, waits and slow answers included.
    retries : int
        Tries after the first.
    size : int
        Bytes of an answer.
    pause : float
        Seconds before the second try; doubled each time, unless the endpoint names its own.
    """

    seconds: float = 30.0
    retries: int = 2
    size: int = 1_000_000
    pause: float = 0.5


class _PassingError(ModelCallError):
    """Another try may help, after `wait` seconds where the endpoint says so."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


def post_json(
    open_client: Callable[[], httpx.Client],
    url: str,
    payload: Mapping[str, Any],
    limits: Limits,
    secret: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Send JSON and return the JSON object that comes back.

    Parameters
    ----------
    open_client : callable
        Opens a client for each try, which is closed after it, and when time is over.
    secret : str
        Never part of a message, whatever the endpoint answers.

    Raises
    ------
    ModelCallError
        For anything else than one JSON object within the limits.
    """
    deadline = time.monotonic() + limits.seconds
    tries = 0
    while True:
        try:
            return _once(open_client, url, payload, limits, deadline, secret)
        except _PassingError as error:
            wait = error.wait if error.wait is not None else limits.pause * 2**tries
            wait *= 1.0 if error.wait is not None else 1.0 + random.random() / 4  # spreads callers
            tries += 1
            if tries > limits.retries or time.monotonic() + wait >= deadline:
                n = f" ({tries} tries)" if tries > 1 else ""
                raise ModelCallError(f"{error}{n}") from None
            sleep(wait)


def _once(
    open_client: Callable[[], httpx.Client],
    url: str,
    payload: Mapping[str, Any],
    limits: Limits,
    deadline: float,
    secret: str,
) -> dict[str, Any]:
    """Try once. An endpoint that drips its headers ends with the client, which a timer closes."""
    import httpx

    left = max(deadline - time.monotonic(), 0.01)
    client = open_client()
    timer = Timer(left, client.close)
    timer.daemon = True
    timer.start()
    try:
        with client.stream("POST", url, json=payload, timeout=left) as response:
            return _answer(response, _read(response, limits, deadline), secret)
    except ModelCallError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        if isinstance(error, httpx.TimeoutException) or time.monotonic() >= deadline:
            raise ModelCallError(f"no answer within {limits.seconds:g} s") from None
        said = f"{type(error).__name__}: {_clean(str(error), secret)}"
        if isinstance(error, httpx.ConnectError):
            raise _PassingError(f"the endpoint cannot be reached: {said}") from None
        if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
            raise _PassingError(f"the connection broke off: {said}") from None
        raise ModelCallError(f"the request failed: {said}") from None
    finally:
        timer.cancel()
        client.close()


def _read(response: httpx.Response, limits: Limits, deadline: float) -> bytes:
    """Return the body, read piece by piece: an endpoint that drips must not hold a request."""
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > limits.size:
            raise ModelCallError(f"the answer is longer than {limits.size:,} bytes")
        if time.monotonic() > deadline:
            raise ModelCallError(f"no whole answer within {limits.seconds:g} s")
    return b"".join(parts)


def _answer(response: httpx.Response, body: bytes, secret: str) -> dict[str, Any]:
    """Return the object of a good answer.

    Raises
    ------
    ModelCallError
        For a bad one; the message has the status and what to do.
    """
    status = response.status_code
    if status != 200:
        remedy = _REMEDIES.get(status, "")
        said = _clean(body[: 4 * _SHOWN].decode("utf-8", "replace"), secret)
        text = f"HTTP {status}" + (f": {remedy}" if remedy else "") + (f" ({said})" if said else "")
        if status in _PASSING:
            raise _PassingError(text, _retry_after(response))
        raise ModelCallError(text)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ModelCallError("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise ModelCallError("the answer is not a JSON object")
    return found


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that an endpoint wants to be left alone; None where it names none."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _clean(text: str, secret: str) -> str:
    """Return what somebody else said on one short line, without the secret."""
    text = text.replace(secret, "…") if secret else text
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
