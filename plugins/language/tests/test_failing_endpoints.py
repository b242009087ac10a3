"""Every feature through a real server on loopback that fails as real ones do: nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from crossrec.pipeline.engine import Engine
from crossrec_language.calls.caller import Caller
from crossrec_language.features.describe.describe import describe_taste
from crossrec_language.features.explain.explain import explain_recommendation
from crossrec_language.features.intent.recommend import recommend_for_wish
from crossrec_language.features.registered import FEATURES, checked
from crossrec_language.models.endpoint import EndpointConfig, EndpointModel
from crossrec_language.testing import server

SECRET = "sk-secret-4711"
FAILURES = {
    "silent": server.never,
    "dripping": server.dripping,
    "dripping head": server.dripping_head,
    "HTTP 401": server.failing(401, SECRET.encode()),
    "HTTP 429": server.failing(429, retry_after="0"),
    "HTTP 500": server.failing(500, b"<html>oops</html>"),
    "no JSON": server.raw(b"<html></html>"),
    "no completion": server.raw(b'{"error": {"message": "no"}}'),
    "10 MB": server.huge,
    "broken off": server.closing,
    "nonsense": server.saying("Sure, happy to help!"),
    "nothing": server.saying(None),
    "wrong ids": server.saying(
        '{"statements": [{"statement": "c99", "text": "p9 is best"}], "avoid": ["p9"], '
        '"only": ["u1"], "order": ["p9"], "text": "p9"}'
    ),
    "another language": server.saying(
        '{"statements": [{"statement": "c1", "text": "Das ist das beste Werkzeug"}], '
        '"avoid": ["Werkzeug"], "only": [], "text": "Sie mögen Werkzeug"}'
    ),
}
EACH = pytest.mark.parametrize("name", FAILURES)


def caller_of(url: str) -> Caller:
    config = EndpointConfig(url=url, model="toy", timeout=0.3, retries=1)
    return Caller(EndpointModel(config), seconds=5.0)


def intent(shop: Engine, caller: Caller) -> Any:
    found = recommend_for_wish(shop, "ecommerce", "a pan, no tools", "u4", caller=caller, k=5)
    return (found.slate.item_ids, found.wish), found.slate.degraded


def explain(shop: Engine, caller: Caller) -> Any:
    found = explain_recommendation(
        shop, "ecommerce", "p4", history=["p0", "p1"], caller=caller, reviews=["Great grip"] * 2
    )
    return (found.text, found.statements), found.degraded


def describe(shop: Engine, caller: Caller) -> Any:
    found = describe_taste(shop, "ecommerce", history=["p0", "p3"], caller=caller)
    return (found.text, found.summary), found.degraded


FEATURE = pytest.mark.parametrize("feature", [intent, explain, describe])


@FEATURE
@EACH
def test_a_failing_endpoint_changes_no_answer(
    shop: Engine,
    feature: Callable[[Engine, Caller], Any],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CROSSREC_LANGUAGE_KEY", SECRET)
    plain, none = feature(shop, Caller())
    assert none == ()
    with server.serving(FAILURES[name]) as served:
        answer, degraded = feature(shop, caller_of(served.url))
        sent = json.dumps(served.requests)
    assert answer == plain
    assert SECRET not in repr(degraded)
    assert "u4" not in sent
    assert '"p4"' not in sent
    if name not in ("wrong ids", "another language"):
        assert "language model toy at 127.0.0.1" in degraded[0].component


@EACH
def test_the_self_tests_find_a_failing_endpoint(name: str) -> None:
    with server.serving(FAILURES[name]) as served:
        results = checked(caller_of(served.url), FEATURES)
    assert [one.feature for one in results] == [one.name for one in FEATURES]
    for one in results:
        assert not one.works, one
        assert one.problem
        assert one.uses != one.model


def test_a_server_that_is_not_there_is_named_for_every_feature() -> None:
    with server.serving(server.echo) as served:
        url = served.url
    for one in checked(caller_of(url), FEATURES):
        assert "cannot be reached" in one.problem
