"""The encoder `vectors`: features that come ready, from a file or a column."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import ConfigError, DataError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.inputs.encode import unit_rows
from crossrec_media.inputs.refusals import Refusals
from crossrec_media.settings import VectorsConfig

_APART = re.compile(r"[\s,;|]+")


class GivenVectors:
    """Encoder that looks vectors up by item id; items without one have the zero vector."""

    def __init__(self, config: VectorsConfig) -> None:
        self.config = config

    def encode(self, catalog: Catalog, run: RunOptions) -> FloatArray:
        """Return float32 (n_items, dim), rows of length 1 or 0.

        Raises
        ------
        ConfigError
            If there is no such file or column, or ids are missing.
        DataError
            If the file does not hold one vector of one width for each id.
        """
        if bool(self.config.file) == bool(self.config.column):
            raise ConfigError("vectors: name either a file or a column that holds them")
        if self.config.column:
            return unit_rows(_of_column(catalog, self.config.column))
        ids, rows = _of_file(self.config)
        places = {id_: at for at, id_ in enumerate(ids)}
        found = np.array([places.get(id_, -1) for id_ in catalog.items.ids], dtype=np.int64)
        vectors = np.zeros((len(catalog), rows.shape[1]), dtype=np.float32)
        vectors[found >= 0] = rows[found[found >= 0]]
        return unit_rows(vectors)


def _of_file(config: VectorsConfig) -> tuple[list[str], FloatArray]:
    """Return ids and vectors of a file."""
    path = Path(config.file).expanduser()
    if not path.is_file():
        raise ConfigError(f"there is no file of vectors {config.file}")
    if path.suffix == ".parquet":
        return _of_parquet(path)
    if path.suffix != ".npy":
        raise ConfigError(f"vectors are read from .npy and .parquet, not from {path.name}")
    if not config.ids:
        raise ConfigError(f"{path.name} has no item ids: name the file that lists them as `ids`")
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no array of numbers: {error}") from None
    ids = _ids(Path(config.ids).expanduser())
    if rows.ndim != 2 or len(rows) != len(ids) or rows.dtype.kind not in "fiu":
        raise DataError(
            f"{path} holds {rows.dtype} {rows.shape}, wanted numbers with one row for each of the "
            f"{len(ids)} ids"
        )
    return ids, rows.astype(np.float32)


def _ids(path: Path) -> list[str]:
    """Return the ids of a list, in its order: of the column ``item_id``, or of the only one."""
    if not path.is_file():
        raise ConfigError(f"there is no file of item ids {path}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    head = lines[0] if lines else []
    if "item_id" in head:
        at = head.index("item_id")
        return [line[at].strip() for line in lines[1:] if len(line) > at]
    if len(head) > 1:
        raise ConfigError(f"{path} has {len(head)} columns and none called item_id")
    return [line[0].strip() for line in lines]


def _of_parquet(path: Path) -> tuple[list[str], FloatArray]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            "Parquet needs pyarrow: run `crossrec install 'crossrec[parquet]'`"
        ) from None
    try:
        table = parquet.read_table(path, columns=["item_id", "vector"])
        ids = [str(id_) for id_ in table["item_id"].to_pylist()]
        rows = np.array(table["vector"].to_pylist(), dtype=np.float32)
    except Exception as error:  # damaged, other columns, vectors of several widths
        raise DataError(f"{path} has no columns item_id and vector of one width: {error}") from None
    if rows.ndim != 2:
        raise DataError(f"{path}: vectors have several widths")
    return ids, rows


def _of_column(catalog: Catalog, column: str) -> FloatArray:
    """Return the vectors in the item table; what has no vector of the usual width is counted."""
    if len(catalog) and column not in catalog.attributes:
        known = ", ".join(sorted(catalog.attributes)) or "none"
        raise ConfigError(f"items have no column {column!r}: there are {known}")
    refusals, parsed = Refusals("vectors"), dict[int, list[float]]()
    for at, value in enumerate(catalog.attributes.get(column, ())):
        if value in (None, ""):
            continue
        numbers = _numbers(value)
        if numbers is None:
            refusals.add("no list of numbers", catalog.items.id(at))
        else:
            parsed[at] = numbers
    width = _usual([len(numbers) for numbers in parsed.values()])
    vectors = np.zeros((len(catalog), width), dtype=np.float32)
    for at, numbers in parsed.items():
        if len(numbers) == width:
            vectors[at] = numbers
            refusals.read += 1
        else:
            refusals.add(f"not {width} wide", catalog.items.id(at))
    refusals.warn()
    return vectors


def _numbers(value: Any) -> list[float] | None:
    """Return a list of finite numbers, or of their text; None where it is neither."""
    try:
        if isinstance(value, str):
            text = value.strip()
            value = json.loads(text) if text.startswith("[") else _APART.split(text)
        numbers = [float(one) for one in value]
    except (TypeError, ValueError):
        return None
    return numbers if numbers and np.isfinite(numbers).all() else None


def _usual(widths: Sequence[int]) -> int:
    """Return the most frequent width, 0 without any."""
    return int(np.bincount(widths).argmax()) if widths else 0
