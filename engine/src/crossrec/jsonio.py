"""JSON as crossrec writes and reads it: plain values, and manifests with a format version."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossrec.errors import ArtifactError, CrossrecError

#: What JSON has; most values are of one of these types, and the others take longer to tell apart.
_PLAIN = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """Return `value` in JSON's own types.

    Mappings become dicts with string keys, sequences and sets lists, numpy scalars and arrays
    numbers and lists, paths strings; NaN and infinities, which JSON has not, become None.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_manifest(
    path: Path,
    *,
    version: int,
    remedy: str,
    family: str = "",
    error: type[CrossrecError] = ArtifactError,
) -> dict[str, Any]:
    """Return the JSON object in the file `path`, whose entry ``format`` must be `version`.

    Parameters
    ----------
    remedy : str
        What to do about a damaged or older one, for the message: "fit again".
    family : str
        What its entry ``family`` must be; not looked at where it is empty.
    error : type of CrossrecError
        What to raise.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CrossrecError
        If it cannot be read, is damaged, of another program or of another format; the message
        names what to do.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as failure:
        raise error(f"cannot read {path}: {failure.strerror or failure}") from failure
    except (ValueError, RecursionError):
        raise error(f"{path} is damaged: it is not JSON; {remedy}") from None
    if not isinstance(content, dict):
        raise error(f"{path} is damaged: it is not a JSON object; {remedy}")
    found = content.get("format")
    if type(found) is int and found > version:
        raise error(
            f"{path} was written by a newer crossrec (format {found}, this one reads {version}): "
            "upgrade crossrec"
        )
    if type(found) is int and found < version:
        raise error(
            f"{path} was written by an older crossrec (format {found}, this one reads {version}): "
            f"{remedy}"
        )
    if family and content.get("family") != family:
        raise error(f"{path} was not written by crossrec")
    if type(found) is not int:
        raise error(f"{path} is damaged: it has no format version; {remedy}")
    return content


def encode(value: Any, what: str) -> bytes:
    """Return `value` as strict JSON, to be read back as it is; numpy scalars count as numbers.

    Raises
    ------
    ArtifactError
        If it holds anything that is not JSON; `what` is the subject of the message.
    """
    try:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1, default=_scalar)
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{what} cannot be written as JSON: {error}") from None
    return text.encode() + b"\n"


def _scalar(value: Any) -> Any:
    """Return a numpy scalar as a Python number."""
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
