"""Downloads, from a server on the loopback: what is allowed comes, the rest is refused by cause."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from crossrec_media.errors import Refused
from crossrec_media.inputs.fetch import FetchRules, fetched, is_public

RULES = FetchRules(http=True, private=True, largest=1000, seconds=2.0)


class Pages(BaseHTTPRequestHandler):
    calls = 0

    def do_GET(self) -> None:
        type(self).calls += 1
        path = self.path
        if path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", path.removeprefix("/to/").replace("~", "://"))
            self.end_headers()
        elif path == "/missing":
            self.send_error(404)
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (5000 if path == "/large" else 10))

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_file_comes_once_and_is_kept(site, tmp_path) -> None:
    before = Pages.calls
    first = fetched(f"{site}/a.jpg", RULES, tmp_path / "new")
    assert first.read_bytes() == b"x" * 10
    assert fetched(f"{site}/a.jpg", RULES, tmp_path / "new") == first
    assert Pages.calls == before + 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == [first.name]


def test_redirects_are_followed(site, tmp_path) -> None:
    address = f"{site}/to/{site.replace('://', '~')}/b.jpg"
    assert fetched(address, RULES, tmp_path).read_bytes() == b"x" * 10


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/missing", "HTTP 404"),
        ("/large", "larger than 0.001 MB"),
        ("/slow", "too long"),
        ("/to/file~/etc/passwd", "no address of the web"),
        ("/to/ftp~127.0.0.1/x", "no address of the web"),
    ],
)
def test_what_a_server_may_not_do(site, tmp_path, path, cause) -> None:
    rules = FetchRules(http=True, private=True, largest=1000, seconds=0.4)
    with pytest.raises(Refused, match=cause):
        fetched(site + path, rules, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_circle_ends(site, tmp_path) -> None:
    address = site
    for _ in range(6):
        address = f"{site}/to/{address.replace('://', '~')}"
    with pytest.raises(Refused, match="redirected too often"):
        fetched(address, RULES, tmp_path)


@pytest.mark.parametrize(
    ("url", "rules", "cause"),
    [
        ("http://127.0.0.1:9/x", FetchRules(), "not encrypted"),
        ("http://127.0.0.1:9/x", FetchRules(http=True), "private network"),
        ("https://localhost/x", FetchRules(), "private network"),
        ("https://169.254.169.254/latest", FetchRules(), "private network"),
        ("https://[::ffff:10.0.0.1]/x", FetchRules(), "private network"),
        ("https://user:secret@127.0.0.1/x", FetchRules(private=True), "no address"),
        ("https:///x", FetchRules(), "no address"),
        ("http://127.0.0.1:1/x", RULES, "could not be downloaded"),
        ("https://127.0.0.1:99999/x", RULES, "could not be downloaded"),
    ],
)
def test_addresses_that_are_refused(tmp_path, url, rules, cause) -> None:
    with pytest.raises(Refused, match=cause):
        fetched(url, rules, tmp_path)


def test_a_redirect_into_the_own_network_is_refused(site, tmp_path, monkeypatch) -> None:
    """The first address counts as public here, so that the server is reached."""
    from crossrec_media.inputs import fetch

    port = site.rpartition(":")[2]
    real = fetch.is_public
    monkeypatch.setattr(fetch, "is_public", lambda ip: ip == "127.0.0.1" or real(ip))
    with pytest.raises(Refused, match="private network"):
        fetched(f"{site}/to/http~127.0.0.2:{port}/x", FetchRules(http=True), tmp_path)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.1.2.3", False),
        ("127.0.0.1", False),
        ("169.254.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.168.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public
