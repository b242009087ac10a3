"""Which file belongs to which item: by its name in a folder, or by a column of the item table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog, as_text
from crossrec.errors import ConfigError

from crossrec_media.errors import MediaError, Refused
from crossrec_media.inputs.fetch import FetchRules, fetched
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import FilesConfig

#: Downloads at the same time.
_AT_ONCE = 8


def locate(
    catalog: Catalog,
    config: FilesConfig,
    suffixes: Collection[str],
    run: RunOptions,
    refusals: Refusals,
) -> dict[int, Path]:
    """Return the file of each item that has one, by the item's index.

    A column goes before a folder's file names. What cannot be had is counted in `refusals`.

    Parameters
    ----------
    suffixes : collection of str
        Of file names in a folder, lower case, with the dot.

    Raises
    ------
    ConfigError
        If neither a folder nor a column is named, or there is no such one.
    MediaError
        If addresses are to be downloaded, and there is no folder to keep them in.
    """
    if not config.folder and not config.column:
        raise ConfigError(
            f"{refusals.kind}: name a folder of files called by item id, or the column with their "
            "paths"
        )
    found = _by_name(catalog, config.folder, suffixes) if config.folder else {}
    if not config.column:
        return found
    if len(catalog) and config.column not in catalog.attributes:
        known = ", ".join(sorted(catalog.attributes)) or "none"
        raise ConfigError(f"items have no column {config.column!r}: there are {known}")
    values = [as_text(value) for value in catalog.attributes.get(config.column, ())]
    addresses = {at: value for at, value in enumerate(values) if _is_address(value)}
    paths = {at: value for at, value in enumerate(values) if value and at not in addresses}
    found |= _by_path(paths, config, refusals)
    return found | (_downloaded(addresses, config, run, refusals) if config.urls else {})


def _is_address(value: str) -> bool:
    return value.lower().startswith(("https://", "http://"))


def _by_name(catalog: Catalog, folder: str, suffixes: Collection[str]) -> dict[int, Path]:
    """Return files called by item id; what a name may not hold is percent-encoded in it."""
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise ConfigError(f"there is no folder {folder}")
    files = {
        path.stem: path
        for path in sorted(place.iterdir(), reverse=True)  # of two suffixes the first one counts
        if path.suffix.lower() in suffixes and path.is_file()
    }
    named = ((at, files.get(id_) or files.get(quote(id_, safe=""))) for at, id_ in _ids(catalog))
    return {at: path for at, path in named if path is not None}


def _ids(catalog: Catalog) -> enumerate[str]:
    return enumerate(catalog.items.ids)


def _by_path(paths: Mapping[int, str], config: FilesConfig, refusals: Refusals) -> dict[int, Path]:
    """Return the files that a column names, within the folder."""
    if paths and not config.folder:
        raise ConfigError(
            f"the column {config.column!r} has paths: name the folder that they are in"
        )
    place, found = Path(config.folder).expanduser().resolve(), {}
    for at, value in paths.items():
        path = (place / value).resolve()
        if not path.is_relative_to(place):
            refusals.add("outside the folder", value)
        elif not path.is_file():
            refusals.add("not there", value)
        else:
            found[at] = path
    return found


def _downloaded(
    addresses: Mapping[int, str], config: FilesConfig, run: RunOptions, refusals: Refusals
) -> dict[int, Path]:
    """Return the downloaded copies of addresses; each distinct one is fetched once."""
    if run.cache is None:
        raise MediaError("downloads need a workspace, whose cache keeps them")
    rules = FetchRules(config.http, config.private, int(config.largest * 1e6), config.timeout)
    folder = run.cache / "downloads"
    distinct = sorted(set(addresses.values()))

    def one(url: str) -> Path | str:
        try:
            return fetched(url, rules, folder)
        except Refused as refused:
            return str(refused)

    copies: dict[str, Path | str] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for url, copy in zip(distinct, pool.map(one, distinct), strict=True):
            copies[url] = copy
            run.progress("downloading", len(copies), len(distinct))
    found = {}
    for at, url in addresses.items():
        copy = copies[url]
        if isinstance(copy, Path):
            found[at] = copy
        else:
            refusals.add(copy, url)
    return found
