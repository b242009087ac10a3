"""The device and threads of a training, and what goes wrong on them, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from crossrec.components.run import RunOptions
from crossrec.errors import CapacityError, UsageError

#: What torch says where memory is not enough.
_SHORT = ("not enough memory", "can't allocate memory")


def checked_device(run: RunOptions) -> str:
    """Return the device of a run.

    Raises
    ------
    UsageError
        If it is unknown to torch or not there.
    """
    try:
        torch.empty(1, device=run.device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"device {run.device!r} cannot be used: name another ({reason})"
        ) from error
    return run.device


@contextmanager
def torch_threads(run: RunOptions) -> Iterator[None]:
    """Give torch the threads of a run within the block; for fits only, since it is process-wide."""
    before = torch.get_num_threads()
    torch.set_num_threads(run.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def memory_errors(name: str) -> Iterator[None]:
    """Say what to do where memory is not enough.

    Raises
    ------
    CapacityError
        In place of torch's own errors.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        short = isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError))
        if not short and not any(words in text for words in _SHORT):
            raise
        raise CapacityError(
            f"{name}: not enough memory for training: lower training.batch_size, loss.negatives "
            "or embedding_size"
        ) from error
