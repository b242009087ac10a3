"""The finaliser of splitmix64, against its reference values."""

import numpy as np
from crossrec.numeric.hashing import GOLDEN, mixed


def test_the_reference_sequence() -> None:
    """The first outputs of splitmix64 from seed 0, as its authors' C code gives them."""
    states = np.arange(1, 4, dtype=np.uint64) * GOLDEN
    assert mixed(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_different_numbers_stay_different() -> None:
    assert len(np.unique(mixed(np.arange(10_000, dtype=np.uint64)))) == 10_000
