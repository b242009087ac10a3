"""Frames of a video, evenly over its length, decoded within limits by av (FFmpeg)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_media.errors import MediaError, Refused

SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v", ".gif")
INSTALL = "crossrec install 'crossrec-media[video]'"
#: Frames between two that are taken where a file does not say how long it is.
_STEP = 25


def read_frames(data: bytes, count: int, side: int, megapixels: float) -> NDArray[np.uint8]:
    """Return frames as RGB, squeezed to squares, uint8 (≤ count, side, side, 3).

    They lie in the middles of as many equal parts of the video; where a file cannot be searched
    they are its first ones.

    Raises
    ------
    Refused
        If it is no video, of too large frames, or damaged before the first of them.
    MediaError
        If av is not installed.
    """
    try:
        import av
    except ImportError:
        raise MediaError(f"videos need av: run `{INSTALL}`") from None
    found: list[NDArray[np.uint8]] = []
    try:
        with av.open(BytesIO(data)) as container:
            if not container.streams.video:
                raise Refused("no video")
            stream = container.streams.video[0]
            if stream.width * stream.height > megapixels * 1e6:
                raise Refused(f"of more than {megapixels:g} megapixels")
            for frame in _sampled(container, stream, count):
                small = frame.reformat(width=side, height=side, format="rgb24")
                found.append(np.asarray(small.to_ndarray(), dtype=np.uint8))
    except (av.FFmpegError, ValueError, OSError):
        if not found:  # what came before the damage is used
            raise Refused("damaged, or no video") from None
    if not found:
        raise Refused("damaged, or no video")
    return np.stack(found)


def _sampled(container: Any, stream: Any, count: int) -> Any:
    """Yield frames: by searching where the length is known, else every 25th."""
    length = stream.duration and float(stream.duration * stream.time_base)
    if not length:
        for number, frame in enumerate(container.decode(stream)):
            if number % _STEP == 0:
                yield frame
            if number >= (count - 1) * _STEP:
                return
        return
    start = float((stream.start_time or 0) * stream.time_base)
    for part in range(count):
        wanted = start + length * (part + 0.5) / count
        container.seek(int(wanted / stream.time_base), stream=stream)
        for frame in container.decode(stream):  # from the key frame before it
            if frame.time is None or frame.time >= wanted - 1e-3:
                yield frame
                break
