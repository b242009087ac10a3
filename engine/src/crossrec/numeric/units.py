"""Seconds and bytes as people read them."""

from __future__ import annotations


def time_text(seconds: float) -> str:
    """Return seconds as ``0.4 s``, ``25 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole <= 90:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size_text(size: float) -> str:
    """Return bytes as ``512 B``, ``3.4 MiB`` or ``4 GiB``."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    at = 0
    while size >= 999.5 and at < len(units) - 1:
        size /= 1024
        at += 1
    text = f"{size:.0f}" if at == 0 or size >= 99.95 else f"{size:.1f}"
    return f"{text.removesuffix('.0')} {units[at]}"
