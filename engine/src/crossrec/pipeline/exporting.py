"""Lists of many users in a file: written in parts, so that a killed export goes on."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crossrec.components.slate import Slate
from crossrec.errors import DataError, UsageError
from crossrec.pipeline.batch_answers import BatchAnswers

#: Users that are answered together; a killed export loses at most so many.
BLOCK = 512
COLUMNS = ("user_id", "place", "item_id", "score", "source", "title")
FORMATS = (".csv", ".jsonl", ".parquet")
_JOB = "job.json"


@dataclass(frozen=True)
class ExportJob:
    """What an export asks for; parts of an earlier one count where all of it is the same.

    Attributes
    ----------
    k : int or None
        The surface's own where None.
    """

    scenario: str
    surface: str | None = None
    k: int | None = None
    filter: str = ""
    boost: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes
    ----------
    users, rows : int
    without : int
        Users whose list is empty: they have no row.
    kept : int
        Users whose lists an earlier export had written already.
    seconds : float
        Of this one.
    """

    path: Path
    users: int
    rows: int
    without: int
    kept: int
    seconds: float


def export_lists(
    engine: BatchAnswers,
    job: ExportJob,
    users: Sequence[str],
    path: Path,
    *,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Write the list of every user to a file of CSV, JSON lines or Parquet, by its ending.

    Finished blocks lie in a folder beside the file until all are there; the file appears whole or
    not at all.

    Parameters
    ----------
    again : bool
        Whether to begin anew where parts of the same export lie there.

    Raises
    ------
    UsageError
        For another ending, no users, or what `recommend_many` refuses.
    DataError
        If the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: an export is a file of {', '.join(FORMATS)}")
    if path.suffix == ".parquet":
        _parquet()
    if not users:
        raise UsageError("there is no user to export lists of: ingest events, or name some")
    started = time.perf_counter()
    try:
        parts, now, kept = _parts_folder(engine, job, users, path, again=again)
        for at in range(0, len(users), BLOCK):
            part = parts / f"{at // BLOCK:06d}.csv"
            if not part.is_file():
                _write_part(part, _block(engine, job, users[at : at + BLOCK], now))
            progress(min(at + BLOCK, len(users)), len(users))
        rows, having = _join(sorted(parts.glob("*.csv")), path)
        shutil.rmtree(parts)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}") from None
    seconds = time.perf_counter() - started
    return Exported(path, len(users), rows, len(users) - having, kept, seconds)


def _parts_folder(
    engine: BatchAnswers, job: ExportJob, users: Sequence[str], path: Path, *, again: bool
) -> tuple[Path, float, int]:
    """Return the folder of the parts, the time that counts as now, and users that are done."""
    parts = path.with_name(f"{path.name}.parts")
    version = engine.serving(job.scenario).pipeline.version
    ids = hashlib.sha256("\n".join(users).encode("utf-8", "surrogatepass")).hexdigest()
    wanted = {**asdict(job), "artifact": version, "users": ids, "block": BLOCK}
    try:
        known = json.loads((parts / _JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    now = known.pop("now", None)
    if again or known != wanted or not isinstance(now, float):
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        now = time.time()
        text = json.dumps({**wanted, "now": now}, ensure_ascii=False)
        (parts / _JOB).write_text(text, encoding="utf-8")
    return parts, now, min(len(list(parts.glob("*.csv"))) * BLOCK, len(users))


def _block(
    engine: BatchAnswers, job: ExportJob, users: Sequence[str], now: float
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of some users."""
    slates = engine.recommend_many(
        job.scenario,
        users,
        k=job.k,
        surface=job.surface,
        context=job.context,
        filter=job.filter,
        boost=job.boost,
        now=now,
    )
    for user, slate in zip(users, slates, strict=True):
        yield from _rows(user, slate)


def _rows(user: str, slate: Slate) -> Iterator[tuple[Any, ...]]:
    for place, item in enumerate(slate.items, 1):
        yield (user, place, item.item_id, item.score, item.source, item.title)


def _write_part(path: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    """Write a block: whole, or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    partial.replace(path)


def _join(parts: Sequence[Path], path: Path) -> tuple[int, int]:
    """Join the parts to the file; return its rows, and how many users have some."""
    partial = path.with_name(f"{path.name}.partial")
    writer = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[path.suffix]
    counted = _Counted(parts)
    writer(partial, counted)
    partial.replace(path)
    return counted.rows, counted.users


class _Counted:
    """The rows of all parts, a part at a time, and how many there were."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self.parts, self.rows, self.users = parts, 0, 0

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        for part in self.parts:
            with part.open(encoding="utf-8", newline="") as file:
                rows: list[tuple[Any, ...]] = [
                    (user, int(place), item, float(score), source, title)
                    for user, place, item, score, source, title in csv.reader(file)
                ]
            self.rows += len(rows)
            self.users += sum(row[1] == 1 for row in rows)
            yield rows


def _write_csv(path: Path, blocks: _Counted) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for rows in blocks:
            writer.writerows(rows)


def _write_jsonl(path: Path, blocks: _Counted) -> None:
    with path.open("w", encoding="utf-8") as file:
        for rows in blocks:
            for row in rows:
                file.write(json.dumps(dict(zip(COLUMNS, row)), ensure_ascii=False) + "\n")


def _write_parquet(path: Path, blocks: _Counted) -> None:
    arrow, parquet = _parquet()
    kinds = [arrow.string(), arrow.int32(), arrow.string(), arrow.float64()]
    schema = arrow.schema(list(zip(COLUMNS, [*kinds, arrow.string(), arrow.string()])))
    with parquet.ParquetWriter(path, schema) as writer:
        for rows in blocks:
            columns = [list(column) for column in zip(*rows)] or [[] for _ in COLUMNS]
            writer.write_table(arrow.table(dict(zip(COLUMNS, columns)), schema=schema))


def _parquet() -> tuple[Any, Any]:
    """Return the library that writes Parquet."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError('Parquet needs pyarrow: pip install "crossrec[parquet]"') from None
    return arrow, parquet
