"""Colour pictures of more than eight bits, PNG and TIFF, by the optional package imagecodecs.

Pillow has no mode for them: it cuts 16 bits to eight, or knows no such picture.
"""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from galedge.errors import ReadError, Truncated, Unsupported
from galedge.images.samples import Samples

__all__ = ["Deep", "deep_tiff", "is_cut", "opened_anew"]

_COLOUR, _GREY = ("RGB", "RGBA", "RGBa", "RGBX"), ("LA", "La")
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRY, _SAMPLES, _KIND = 256, 257, 258, 262, 277, 339
_RGB = 2
_DTYPES = {(1, 16): "uint16", (1, 32): "uint32", (3, 32): "float32", (3, 64): "float64"}


class Deep(Samples):
    """A picture that is decoded as it is stored: linear, as all of more than eight bits is."""

    def __init__(
        self,
        stream: io.BufferedReader | io.BytesIO,
        kind: str,
        dtype: str,
        frame: tuple[int, int],
        plane_count: int,
    ) -> None:
        super().__init__(kind, dtype, frame, plane_count, is_picture=False)
        self._stream = stream

    def planes(self) -> NDArray[Any]:
        """All samples, without opacity."""
        try:
            codecs: Any = importlib.import_module("imagecodecs")
        except ImportError:
            raise Unsupported(
                f"is a {self.kind} in colour of more than 8 bits, which needs imagecodecs: "
                "pip install 'galedge[pictures]'"
            ) from None
        decode = codecs.png_decode if self.kind == "PNG" else codecs.tiff_decode
        with self._stream as stream:
            stream.seek(0)
            content = stream.read()
        try:
            samples = np.asarray(decode(content))
        except Exception as error:  # of any damage
            kind = Truncated if "too small" in str(error) else ReadError
            raise kind(f"the {self.kind} data are damaged: {error}") from None
        if samples.ndim == 3 and samples.shape[:2] == self._frame:
            samples = np.moveaxis(samples, -1, 0)
        if samples.ndim != 3 or samples.shape[1:] != self._frame:
            raise ReadError(f"the {self.kind} data have the shape {samples.shape}")
        return samples[:3] if self.plane_count == 3 else samples[0]


def is_cut(picture: Pillow.Image) -> bool:
    """Tell whether Pillow would cut the samples of a picture that it has opened to eight bits."""
    if picture.mode.startswith(("I", "F")):
        return False
    tags = getattr(picture, "tag_v2", {})
    bits = tags.get(_BITS, (8,)) if picture.format == "TIFF" else (8,)
    return any(";16" in form for form in _forms(picture)) or max(bits) > 8


def _forms(picture: Pillow.Image) -> list[str]:
    """Return how the parts of a picture are stored, in Pillow's words."""
    return [str(tile[3]) for tile in getattr(picture, "tile", ())]


def opened_anew(picture: Pillow.Image, stream: io.BufferedReader | io.BytesIO) -> Deep:
    """Return what `is_cut` was told of, to be decoded whole.

    Raises
    ------
    Unsupported
        If it is neither in colour nor grey.
    """
    if picture.mode not in _COLOUR + _GREY:
        raise Unsupported(f"holds {picture.mode} of more than 8 bits, neither RGB nor grey")
    # Pillow makes colours of grey with opacity.
    grey = picture.mode in _GREY or any(form.startswith("LA") for form in _forms(picture))
    count = 1 if grey else 3
    return Deep(stream, str(picture.format), "uint16", picture.size[::-1], count)


def deep_tiff(stream: io.BufferedReader | io.BytesIO) -> Deep | None:
    """Return a TIFF of floats or long integers in colour; None if this is none."""
    try:
        stream.seek(0)
        head = stream.read(8)
        is_big = head[2:4] in (b"\x2b\0", b"\0\x2b")
        tags = ImageFileDirectory_v2(head + stream.read(8 * is_big))
        stream.seek(tags.next)
        tags.load(stream)
        bits, kinds = set(tags[_BITS]), set(tags.get(_KIND, (1,)))
        dtype = _DTYPES.get((kinds.pop(), bits.pop()))
        frame = int(tags[_HEIGHT]), int(tags[_WIDTH])
        samples = tags.get(_SAMPLES, 1)
        if bits or kinds or dtype is None or tags[_PHOTOMETRY] != _RGB or samples not in (3, 4):
            return None
    except Exception:  # whatever Pillow stumbles over
        return None
    return Deep(stream, "TIFF", dtype, frame, 3) if min(frame) > 0 else None
