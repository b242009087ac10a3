"""Downloads that can harm nobody: by https, from public addresses, of bounded size and time."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from crossrec_media.errors import Refused

_REDIRECTS = 3
_CHUNK = 65_536


@dataclass(frozen=True)
class FetchRules:
    """What may be downloaded.

    Attributes
    ----------
    http, private : bool
        Whether unencrypted addresses, and those of an own network, are allowed.
    largest : int
        Bytes.
    seconds : float
        For one file with all its redirects.
    """

    http: bool = False
    private: bool = False
    largest: int = 20_000_000
    seconds: float = 10.0


def fetched(url: str, rules: FetchRules, folder: Path) -> Path:
    """Return the copy of `url` in `folder`, downloaded where it is not there yet.

    Raises
    ------
    Refused
        With the cause.
    """
    path = folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    if path.is_file():
        return path
    try:
        data = _body(url, rules)
    except TimeoutError:
        raise Refused("took too long to download") from None
    except (OSError, http.client.HTTPException, ValueError):  # ssl and DNS are OSErrors
        raise Refused("could not be downloaded") from None
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return path


def _body(url: str, rules: FetchRules) -> bytes:
    """Follow redirects, each under the same rules, and return the body."""
    deadline = time.monotonic() + rules.seconds
    for _ in range(_REDIRECTS + 1):
        connection, target = _connected(urlsplit(url), rules, deadline)
        try:
            connection.request("GET", target, headers={"User-Agent": "crossrec"})
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.headers.get("Location") or "")
                continue
            if answer.status != 200:
                raise Refused(f"not there (HTTP {answer.status})")
            return _bounded(answer, rules.largest, deadline)
        finally:
            connection.close()
    raise Refused("redirected too often")


def _bounded(answer: http.client.HTTPResponse, largest: int, deadline: float) -> bytes:
    """Read a body, and stop where it grows too large or takes too long."""
    parts, size = [], 0
    while part := answer.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > largest:
            raise Refused(f"larger than {largest / 1e6:g} MB")
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts)


def _connected(
    parts: SplitResult, rules: FetchRules, deadline: float
) -> tuple[http.client.HTTPConnection, str]:
    """Connect to the address that was checked, and to no other that the name may have by then."""
    if parts.scheme not in ("https", "http"):
        raise Refused("no address of the web")
    if parts.scheme == "http" and not rules.http:
        raise Refused("not encrypted (set http = true to allow it)")
    if not parts.hostname or parts.username is not None:
        raise Refused("no address of the web")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    seconds = max(deadline - time.monotonic(), 0.001)
    address = _address(parts.hostname, port, private=rules.private)
    link = socket.create_connection((address, port), timeout=seconds)
    if parts.scheme == "https":
        link = ssl.create_default_context().wrap_socket(link, server_hostname=parts.hostname)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=seconds)
    connection.sock = link
    return connection, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _address(host: str, port: int, *, private: bool) -> str:
    """Return a numeric address of a host of which none is private."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(is_public(address) for address in found):
        raise Refused("an address of a private network (set private = true to allow it)")
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or ip
    return inner.is_global and not inner.is_multicast
