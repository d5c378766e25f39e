"""What Pillow has no mode for, by the optional package imagecodecs: PNG and TIFF of many bits.

Colours of more than eight bits it cuts to eight, or knows no such picture; nor does it know
grey of 64 bits, of half floats, or with opacity.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from galedge.errors import ReadError, Truncated, Unsupported
from galedge.images.samples import Samples

__all__ = [
    *("Deep", "black_is_zero", "deep_tiff", "is_cut", "opened_anew", "refuse_preview"),
    "turned",
]

_COLOUR, _GREY = ("RGB", "RGBA", "RGBa", "RGBX"), ("LA", "La")
_REDUCED, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRY = 254, 256, 257, 258, 262
_TURN, _SAMPLES, _KIND = 274, 277, 339
_WHITE_IS_ZERO, _RGB = 0, 2
_TURNED = re.compile(";(16BS|32BS|32BF)")
_LETTERS = {1: "uint", 2: "int", 3: "float"}
_DTYPES = ("int8", *(f"{letters}{bits}" for letters in _LETTERS.values() for bits in (16, 32, 64)))


class Deep(Samples):
    """A picture that is decoded as it is stored: linear, as all of more than eight bits is."""

    def __init__(
        self,
        stream: io.BufferedReader | io.BytesIO,
        kind: str,
        dtype: str,
        frame: tuple[int, int],
        plane_count: int,
        tags: Mapping[int, Any],
    ) -> None:
        super().__init__(kind, dtype, frame, plane_count, is_picture=False)
        self._stream = stream
        self._tags = tags

    def planes(self) -> NDArray[Any]:
        """All samples, without opacity."""
        try:
            codecs: Any = importlib.import_module("imagecodecs")
        except ImportError:
            raise Unsupported(
                f"is a {self.kind} of more than 8 bits that needs imagecodecs: "
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
        turn = self._tags.get(_TURN, 1)
        stored = self._frame[::-1] if turn in range(5, 9) else self._frame
        if samples.ndim == 3 and samples.shape[:2] == stored:
            samples = np.moveaxis(samples, -1, 0)
        if samples.shape[-2:] != stored or samples.ndim not in (2, 3):
            raise ReadError(f"the {self.kind} data have the shape {samples.shape}")
        grey = samples[0] if samples.ndim == 3 else samples
        chosen = samples[:3] if self.plane_count == 3 else grey
        return turned(black_is_zero(chosen, self._tags), turn)


def black_is_zero(samples: NDArray[Any], tags: Mapping[int, Any]) -> NDArray[Any]:
    """Return a TIFF's samples with the light as their sense, which its tags may turn around."""
    if tags.get(_PHOTOMETRY) != _WHITE_IS_ZERO:
        return samples
    return -samples.astype(np.float64)  # from where it counts is the sky's business


def turned(samples: NDArray[Any], turn: int) -> NDArray[Any]:
    """Return samples as a TIFF's Orientation says that they are seen; Pillow does so, too."""
    if turn in (5, 6, 7, 8):
        samples = samples.swapaxes(-1, -2)
    if turn in (3, 4, 7, 8):
        samples = samples[..., ::-1, :]
    return samples[..., ::-1] if turn in (2, 3, 6, 7) else samples


def is_cut(picture: Pillow.Image) -> bool:
    """Tell whether Pillow would cut or misread the samples of a picture that it has opened."""
    tags = getattr(picture, "tag_v2", {})
    if picture.mode.startswith(("I", "F")):
        # What libtiff has inflated has this machine's order of bytes; Pillow turns some of it.
        turned_twice = any(
            tile[0] == "libtiff" and _TURNED.search(str(tile[3]))
            for tile in getattr(picture, "tile", ())
        )
        return turned_twice or bool(tags.get(_SAMPLES, 1) > 1)
    bits, kinds = tags.get(_BITS, (8,)), tags.get(_KIND, (1,))
    is_deep = picture.format == "TIFF" and (max(bits) > 8 or set(kinds) == {2})
    return is_deep or any(";16" in form for form in _forms(picture))


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
    if deep := deep_tiff(stream):
        return deep
    if picture.mode not in _COLOUR + _GREY:
        raise Unsupported(
            f"holds {picture.mode} of more than 8 bits, neither RGB nor grey: save it as one"
        )
    # Pillow makes colours of grey with opacity.
    grey = picture.mode in _GREY or any(form.startswith("LA") for form in _forms(picture))
    count = 1 if grey else 3
    return Deep(stream, str(picture.format), "uint16", picture.size[::-1], count, {})


def deep_tiff(stream: io.BufferedReader | io.BytesIO) -> Deep | None:
    """Return a TIFF of numbers, grey or in colour, by its tags; None if this is none."""
    try:
        stream.seek(0)
        head = stream.read(8)
        is_big = head[2:4] in (b"\x2b\0", b"\0\x2b")
        tags = ImageFileDirectory_v2(head + stream.read(8 * is_big))
        stream.seek(tags.next)
        tags.load(stream)
        bits, kinds = set(tags[_BITS]), set(tags.get(_KIND, (1,)))
        dtype = f"{_LETTERS.get(kinds.pop())}{bits.pop()}"
        frame = int(tags[_HEIGHT]), int(tags[_WIDTH])
        photometry, samples = tags[_PHOTOMETRY], tags.get(_SAMPLES, 1)
        if bits or kinds or dtype not in _DTYPES or photometry > _RGB or samples > 4:
            return None
        if (photometry == _RGB) != (samples > 2):
            return None
    except Exception:  # whatever Pillow stumbles over
        return None
    if min(frame) < 1:
        return None
    seen = frame[::-1] if tags.get(_TURN) in range(5, 9) else frame
    return Deep(stream, "TIFF", dtype, seen, 3 if samples > 2 else 1, tags)


def refuse_preview(tags: Mapping[int, Any], head: bytes) -> None:
    """Refuse a TIFF whose first picture stands for another, as in the raw files of cameras.

    Raises
    ------
    Unsupported
        With what to do.
    """
    if tags.get(_REDUCED) in (1, 3, 5, 7) or head[8:10] == b"CR":
        raise Unsupported(
            "holds a small preview first, as the raw files of cameras do (DNG, NEF, CR2, ARW), "
            "and no picture that can be read: convert it to FITS or TIFF"
        )
