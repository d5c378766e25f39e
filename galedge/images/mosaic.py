"""Raw frames of one-shot-colour cameras, whose pixels lie under a pattern of filters.

Read as one band such a frame is a checkerboard. Each square of two by two pixels is taken
for one of a picture in three bands: nothing is interpolated, and nothing is lost but
resolution that the pattern does not have.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from galedge.core.backend import _core
from galedge.errors import Unsupported
from galedge.images.colours import RED_FIRST
from galedge.images.pixels import Image

__all__ = ["apart", "pattern_of"]

#: Keywords of a pattern; the core knows them too, and leaves their files to Python.
_PATTERNS = ("BAYERPAT", "COLORTYP", "CFAPAT")
_KNOWN = ("RGGB", "BGGR", "GRBG", "GBRG")
_SHORT = {pattern[:2]: pattern for pattern in _KNOWN}  # as makers of cameras call them
_NO_PATTERN = (
    *("", "0", "F", "FALSE", "NO", "NONE", "N/A", "MONO", "MONOCHROME"),
    *("RGB", "RAW", "OSC", "COLOR", "COLOUR"),
)
_OFFSETS = (("XBAYROFF", "BAYOFFX"), ("YBAYROFF", "BAYOFFY"))


def pattern_of(text: bytes, height: int, origin: tuple[int, int] = (0, 0)) -> str | None:
    """Return the colours of an image's first two rows of two pixels; None if it has no pattern.

    Parameters
    ----------
    text : bytes
        The header's cards.
    height : int
        Of the whole image. A pattern is that of the rows as they are seen, the upper one
        first, which in a file with ROWORDER = BOTTOM-UP is the last.
    origin : tuple of int
        x and y of the first pixel, where it is not the whole image.

    Raises
    ------
    Unsupported
        If the pattern is no Bayer pattern.
    """
    for keyword in _PATTERNS:
        pattern = _core.card_text(text, keyword).strip().upper()
        pattern = _SHORT.get(pattern, pattern)
        if pattern in _KNOWN:
            break
        if pattern not in _NO_PATTERN and keyword == "BAYERPAT":
            raise Unsupported(
                f"is a raw frame of a colour camera with the pattern {pattern[:40]}, which galedge "
                "cannot take apart: interpolate its colours first, or take it for grey by plane 0"
            )
    else:
        return None
    x, y = (_offset(text, keywords) for keywords in _OFFSETS)
    x, y = x + origin[0], y + origin[1]
    if _core.card_text(text, "ROWORDER").strip().upper() == "BOTTOM-UP":
        y = height - 1 - y  # parity is all that counts
    rows = pattern[:2], pattern[2:]
    return "".join(rows[(y + j) % 2][(x + i) % 2] for j in (0, 1) for i in (0, 1))


def _offset(text: bytes, keywords: tuple[str, ...]) -> int:
    for keyword in keywords:
        try:
            return int(float(_core.card_text(text, keyword)))
        except (ValueError, OverflowError):
            continue
    return 0


def apart(image: Image) -> Image:
    """Return a raw frame as red, green and blue of half the size; any other image as it is.

    So is one of which somebody chose the plane: it was taken for grey.

    Raises
    ------
    Unsupported
        If its pattern is not known, or it is smaller than the pattern.
    """
    data = image.data
    if image.plane is not None or data.ndim != 2 or image.binning != 1 or not image.header.text:
        return image
    height = image.header.get("NAXIS2")
    whole = height if isinstance(height, int) else len(data)
    pattern = pattern_of(image.header.text, whole, image.origin)
    if pattern is None:
        return image
    rows, columns = (length // 2 for length in data.shape)
    if not rows or not columns:
        raise Unsupported(f"is smaller than the pattern of colours in it, {pattern}")
    cells = data[: 2 * rows, : 2 * columns].astype(np.float32)
    corners = [cells[at // 2 :: 2, at % 2 :: 2] for at in range(4)]
    red, blue = (corners[pattern.index(colour)] for colour in "RB")
    one, other = (corners[pattern.index("G")], corners[pattern.rindex("G")])
    # Where one of the two is missing, the other stands for both.
    green = np.where(np.isnan(one), other, np.where(np.isnan(other), one, one / 2 + other / 2))
    planes = np.stack([red, green, blue])
    # What comes from the camera is linear, though it were of 8 bits.
    return replace(image, data=planes, order=RED_FIRST, binning=2, is_picture=False)
