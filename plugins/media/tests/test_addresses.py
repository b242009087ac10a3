"""A column of addresses: downloaded once within limits, from a server on the loopback."""

from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_media.images.encoder import ImageEncoder
from crossrec_media.inputs.locate import locate
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import FilesConfig, ImageConfig
from crossrec_media.tiny import picture_of, png

pytest.importorskip("PIL")


class Shop(BaseHTTPRequestHandler):
    """Serves pictures of the words in a path, and counts who came."""

    calls: list[str] = []  # noqa: RUF012 - emptied by the fixture

    def do_GET(self) -> None:
        type(self).calls.append(self.path)
        if self.path.endswith(".svg"):
            body = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
        elif self.path.endswith(".gone"):
            self.send_error(404)
            return
        else:
            words = self.path.strip("/").removesuffix(".png").replace("-", " ")
            body = png(picture_of(words, 20))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site():
    Shop.calls = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def allowed(**settings) -> FilesConfig:
    return FilesConfig(column="cover", urls=True, http=True, private=True, **settings)


def located(catalog, config, run):
    refusals = Refusals("image")
    return locate(catalog, config, (".png",), run, refusals), refusals


def test_each_address_is_fetched_once_for_all_items(site, tmp_path, catalog_of) -> None:
    covers = [f"{site}/navy.png", f"{site}/scarlet.png", f"{site}/navy.png", "", None]
    catalog = catalog_of(*"vwxyz", cover=covers)
    run = RunOptions(cache=tmp_path)
    found, refusals = located(catalog, allowed(), run)
    assert sorted(found) == [0, 1, 2]
    assert found[0] == found[2]
    assert sorted(Shop.calls) == ["/navy.png", "/scarlet.png"]
    assert not refusals.count
    again, _ = located(catalog, allowed(), run)
    assert again == found
    assert len(Shop.calls) == 2, "the copies are kept"


def test_what_cannot_be_had_is_counted_and_the_rest_stays(site, tmp_path, catalog_of) -> None:
    covers = [f"{site}/navy.png", f"{site}/x.gone", f"{site}/y.gone", "https://user@host/z"]
    found, refusals = located(
        catalog_of(*"wxyz", cover=covers), allowed(), RunOptions(cache=tmp_path)
    )
    assert list(found) == [0]
    refusals.read = 1
    assert refusals.line.startswith("image: 3 of 4 files are left out: 2 not there (HTTP 404)")
    assert "1 no address of the web" in refusals.line


def test_addresses_of_the_own_network_are_refused_by_default(site, tmp_path, catalog_of) -> None:
    catalog = catalog_of("x", cover=[f"{site}/navy.png"])
    run = RunOptions(cache=tmp_path)
    for settings, cause in (
        ({"urls": True}, "not encrypted"),
        ({"urls": True, "http": True}, "private network"),
    ):
        found, refusals = located(catalog, FilesConfig(column="cover", **settings), run)
        assert found == {}
        assert cause in refusals.line
    assert Shop.calls == []


def test_nothing_is_called_where_addresses_are_off(site, tmp_path, catalog_of) -> None:
    catalog = catalog_of("x", cover=[f"{site}/navy.png"])
    assert located(catalog, FilesConfig(column="cover"), RunOptions(cache=tmp_path))[0] == {}
    assert Shop.calls == []


def test_a_large_file_is_cut_off(site, tmp_path, catalog_of) -> None:
    catalog = catalog_of("x", cover=[f"{site}/navy-scarlet-olive.png"])
    found, refusals = located(catalog, allowed(largest=0.00005), RunOptions(cache=tmp_path))
    assert found == {}
    assert "larger than 5e-05 MB" in refusals.line
    assert (
        not any((tmp_path / "downloads").glob("*")) if (tmp_path / "downloads").exists() else True
    )


def test_pictures_come_from_addresses_and_files_alike(site, tmp_path, tiny_vit, catalog_of) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "own.png").write_bytes(png(picture_of("navy", 20)))
    covers = [f"{site}/navy.png", "own.png", f"{site}/x.svg", f"{site}/scarlet.png"]
    config = ImageConfig(
        folder=str(folder),
        column="cover",
        urls=True,
        http=True,
        private=True,
        model=str(tiny_vit),
    )
    encoder = ImageEncoder(config)
    run = replace(RunOptions(threads=1), cache=tmp_path / "cache")
    rows = encoder.encode(catalog_of(*"wxyz", cover=covers), run)
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)
    assert rows[0] @ rows[3] < 1 - 1e-4
    assert not rows[2].any()
    assert "1 no picture that is read" in encoder.refusals.line
