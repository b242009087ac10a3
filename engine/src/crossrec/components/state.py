"""What a fitted component keeps: plain arrays and JSON values, so that no artifact needs pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class State:
    """The learnt part of a component.

    Attributes
    ----------
    arrays : mapping of str to numpy array
        Numeric arrays only; after loading they may be read-only memory maps.
    values : mapping of str to JSON value
    """

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def pack_sparse(name: str, matrix: Any) -> dict[str, NDArray[Any]]:
    """Return a scipy CSR matrix as four arrays under `name`."""
    csr = matrix.tocsr()
    return {
        f"{name}.data": csr.data,
        f"{name}.indices": csr.indices,
        f"{name}.indptr": csr.indptr,
        f"{name}.shape": np.array(csr.shape, dtype=np.int64),
    }


def unpack_sparse(name: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the scipy CSR matrix that `pack_sparse` stored under `name`."""
    from scipy.sparse import csr_matrix

    rows, columns = (int(n) for n in arrays[f"{name}.shape"])
    parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
    return csr_matrix(parts, shape=(rows, columns))
