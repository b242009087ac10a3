"""The endpoint model against a server on loopback that does well, or fails as real ones do."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from crossrec.errors import ConfigError
from crossrec.testing import LanguageModelTests
from crossrec_language.errors import ModelCallError
from crossrec_language.models.endpoint import EndpointConfig, EndpointModel, is_private
from crossrec_language.models.transport import Limits, post_json
from crossrec_language.testing import server

KEY = "sk-very-secret-0123"


def model(url: str, **settings: Any) -> EndpointModel:
    return EndpointModel(EndpointConfig(url=url, model="toy", **settings))


def complete(one: EndpointModel, *prompts: str, most: int = 50) -> list[str]:
    return one.complete(prompts, max_tokens=most, seed=3)


def test_what_is_sent_is_the_protocol() -> None:
    with server.serving(server.saying(" forty-two \n")) as served:
        assert complete(model(served.url), "the answer?", most=7) == ["forty-two"]
    (request,) = served.requests
    assert request["model"] == "toy"
    assert request["temperature"] == 0
    assert request["seed"] == 3
    assert request["max_tokens"] == 21
    assert [one["role"] for one in request["messages"]] == ["system", "user"]
    assert request["messages"][1]["content"] == "the answer?"
    assert "authorization" not in served.headers[0]


def test_many_prompts_are_answered_in_their_order_and_empty_ones_not_sent() -> None:
    with server.serving(server.echo) as served:
        prompts = [f"prompt {n}" for n in range(12)]
        found = complete(model(served.url, parallel=4), *prompts, "", " \n")
    assert found == [*(prompt[::-1] for prompt in prompts), "", ""]
    assert len(served.requests) == 12


def test_an_answer_is_cut_at_the_limit_of_words() -> None:
    with server.serving(server.saying("one two three four")) as served:
        assert complete(model(served.url), "count", most=2) == ["one two"]


def test_a_key_comes_from_the_environment_and_goes_into_the_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with server.serving(server.saying("yes")) as served:
        complete(model(served.url, key_variable="MY_KEY"), "?")
    assert served.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_key_is_in_no_message_and_no_log(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CROSSREC_LANGUAGE_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    body = f"your key {KEY} is\n not good".encode()
    with server.serving(server.failing(status, body)) as served:
        one = model(served.url, retries=0)
        with pytest.raises(ModelCallError, match=f"HTTP {status}") as caught:
            complete(one, "?")
    assert "is not good" in str(caught.value)
    assert KEY not in str(caught.value) + caplog.text + repr(one.config) + one.name


def test_a_key_is_not_sent_where_others_read_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSREC_LANGUAGE_KEY", KEY)
    with pytest.raises(ConfigError, match="https only"):
        complete(model("http://models.example/v1"), "?")


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSREC_LANGUAGE_KEY", KEY)
    with server.serving(server.saying("stolen")) as thief:
        moved = server.failing(307, location=f"{thief.url}/chat/completions")
        with (
            server.serving(moved) as served,
            pytest.raises(ModelCallError, match="HTTP 307"),
        ):
            complete(model(served.url), "?")
        assert not thief.requests


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1", "host/v1", "https://user:pass@host/v1", "https://host/v1?key=1", "https://",
    ],
)  # fmt: skip
def test_an_impossible_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        EndpointConfig(url=url, model="toy")


def test_a_missing_url_or_model_says_what_to_write() -> None:
    with pytest.raises(ConfigError, match="settings = "):
        complete(EndpointModel(), "?")
    assert complete(EndpointModel()) == []
    with pytest.raises(ValueError, match="name the model"):
        EndpointConfig(url="https://host/v1")


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://host/v1", True), ("http://localhost:1/v1", True), ("http://127.0.0.9/v1", True),
        ("http://[::1]/v1", True), ("http://10.0.0.1/v1", False), ("http://host/v1", False),
        ("http://127.0.0.1.evil.example/v1", False),
    ],
)  # fmt: skip
def test_who_may_read_along(url: str, private: bool) -> None:
    assert is_private(url) is private


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_what_passes_is_tried_again(status: int) -> None:
    replies = [server.failing(status, retry_after="0"), server.saying("at last")]
    with server.serving(*replies) as served:
        assert complete(model(served.url), "?") == ["at last"]
        assert len(served.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    with server.serving(server.failing(status)) as served:
        with pytest.raises(ModelCallError, match=str(status)):
            complete(model(served.url), "?")
        assert len(served.requests) == 1


def test_tries_are_counted() -> None:
    with server.serving(server.failing(503, retry_after="0")) as served:
        with pytest.raises(ModelCallError, match="3 tries"):
            complete(model(served.url, retries=2), "?")
        assert len(served.requests) == 3


def test_pauses_grow_and_end_before_the_deadline() -> None:
    pauses: list[float] = []
    with server.serving(server.failing(500)) as served:

        def opened() -> Any:
            import httpx

            return httpx.Client()

        limits = Limits(retries=4, pause=1.0, seconds=60.0)
        with pytest.raises(ModelCallError):
            post_json(opened, served.url, {}, limits, sleep=pauses.append)
        assert len(pauses) == 4
        assert all(1.5 < b / a < 2.7 for a, b in zip(pauses, pauses[1:], strict=False))
        pauses.clear()
        limits = Limits(retries=4, pause=10.0, seconds=5.0)
        with pytest.raises(ModelCallError):
            post_json(opened, served.url, {}, limits, sleep=pauses.append)
        assert not pauses, "a pause that ends after the deadline is not begun"


def test_an_endpoint_that_wants_an_hour_of_peace_is_given_up() -> None:
    with server.serving(server.failing(429, retry_after="3600")) as served:
        started = time.monotonic()
        with pytest.raises(ModelCallError, match="429"):
            complete(model(served.url), "?")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("reply", [server.never, server.dripping, server.dripping_head])
def test_a_slow_endpoint_ends_at_the_deadline(reply: server.Reply) -> None:
    with server.serving(reply) as served:
        started = time.monotonic()
        with pytest.raises(ModelCallError, match="within 0.3 s"):
            complete(model(served.url, timeout=0.3), "?")
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (server.raw(b"<html>hello</html>"), "not JSON"),
        (server.raw(b""), "not JSON"),
        (server.raw(b"\xff\xfe\x00"), "not JSON"),
        (server.raw(b"[" * 100_000), "not JSON"),
        (server.raw(b"[1, 2]"), "not a JSON object"),
        (server.raw(b"{}"), "no choices"),
        (server.raw(b'{"choices": []}'), "no choices"),
        (server.raw(b'{"choices": {"0": 1}}'), "no choices"),
        (server.raw(b'{"choices": [{"message": {"content": 7}}]}'), "no text"),
        (server.huge, "longer than 1,000,000 bytes"),
        (server.closing, "broke off"),
    ],
)
def test_nonsense_is_named(reply: server.Reply, message: str) -> None:
    with server.serving(reply) as served, pytest.raises(ModelCallError, match=message):
        complete(model(served.url, retries=0), "?")


def test_an_empty_answer_is_none() -> None:
    with server.serving(server.saying(None)) as served:
        assert complete(model(served.url), "?") == [""]


def test_an_endpoint_that_is_not_there_is_named() -> None:
    with server.serving(server.echo) as served:
        url = served.url
    with pytest.raises(ModelCallError, match="cannot be reached"):
        complete(model(url, retries=0), "?")


class TestAgainstTheKit(LanguageModelTests):
    """The kit, with a server that says a reason's own text behind every prompt of a reason."""

    component = "endpoint"

    @pytest.fixture(autouse=True)
    def _served(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        from crossrec.components.wording import WordingRequest

        def worded(handler: Any, payload: dict[str, Any]) -> None:
            found = WordingRequest.parse(payload["messages"][-1]["content"])
            server.send(handler, server.chat(f"weil: {found.text}" if found else "ja"))

        with server.serving(worded) as served:
            monkeypatch.setattr(type(self), "settings", {"url": served.url, "model": "toy"})
            yield
