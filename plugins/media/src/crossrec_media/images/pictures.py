"""Pictures of strangers, read so that none can do harm: few formats, bounded sizes, whole files."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossrec_media.errors import MediaError, Refused

if TYPE_CHECKING:
    from PIL.Image import Image

#: Formats that are decoded, and the suffixes of their files. SVG is a program, TIFF a container.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
INSTALL = "crossrec install 'crossrec-media[images]'"


def read_picture(data: bytes, size: int, megapixels: float) -> NDArray[np.uint8]:
    """Return a picture as RGB, squeezed to a square, uint8 (size, size, 3).

    The first frame of an animation; what is transparent becomes white.

    Parameters
    ----------
    megapixels : float
        The most that are decoded: the file says how many there are before that.

    Raises
    ------
    Refused
        If it is no such picture, too large, or damaged.
    MediaError
        If pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MediaError(f"pictures need pillow: run `{INSTALL}`") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pillow warns of sizes that are refused below
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > megapixels * 1e6:
                    raise Refused(f"of more than {megapixels:g} megapixels")
                picture.draft("RGB", (2 * size, 2 * size))  # JPEG decodes to a smaller one at once
                square = _opaque(picture).resize((size, size), Image.Resampling.BICUBIC)
                return np.asarray(square, dtype=np.uint8)
        except UnidentifiedImageError:
            raise Refused(f"no picture that is read ({', '.join(FORMATS)})") from None
        except Image.DecompressionBombError:
            raise Refused(f"of more than {megapixels:g} megapixels") from None
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError):
            raise Refused("damaged or truncated") from None


def _opaque(picture: Image) -> Image:
    """Return the picture as RGB on white."""
    from PIL import Image as Pictures

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    ground = Pictures.new("RGBA", layered.size, "white")
    return Pictures.alpha_composite(ground, layered).convert("RGB")
