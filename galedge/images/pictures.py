"""JPEG, PNG and TIFF by Pillow, ``.npy`` by NumPy; hostile files included.

Sizes are taken from the headers and compared with the pixel cap and with what
so many bytes can hold at all, before anything is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.deep import black_is_zero, deep_tiff, is_cut, opened_anew, refuse_preview
from galedge.images.samples import Samples, planes_first

__all__ = ["open_npy", "open_picture", "samples_of"]

Stream = io.BufferedReader | io.BytesIO

# Deflate, the best packer among the formats, makes at most 1032 bytes of one;
# a byte can be eight pixels of a bitmap.
_MOST_SAMPLES_PER_BYTE = 1032 * 8
# Not Pillow.open, which has a limit of its own.
_OPENERS: dict[bytes, Callable[..., Pillow.Image]] = {
    b"\xff\xd8": jpeg_factory,
    b"\x89PNG": PngImageFile,
    b"": TiffImageFile,
}
_KIND = 339  # the tag of a TIFF's sort of numbers


class _Picture(Samples):
    def __init__(self, picture: Pillow.Image, stream: Stream) -> None:
        # Sixteen bits, 32 bits and floats are measurements; eight are a picture.
        linear = picture.mode.startswith(("I", "F"))
        grey = picture.mode in ("1", "L", "LA", "La")
        tags = dict(getattr(picture, "tag_v2", {}))  # it loses some when it is decoded
        width, height = picture.size
        super().__init__(
            kind=picture.format or "picture",
            dtype=_dtype(picture, tags) if linear else "uint8",
            frame=(height, width),
            plane_count=1 if linear or grey else 3,
            is_picture=not linear,
        )
        self._picture = picture
        self._stream = stream
        self._tags = tags
        self._mode = None if linear else "L" if grey else "RGB"

    def planes(self) -> NDArray[Any]:
        picture = self._picture
        # Decoders of damaged files raise whatever they stumble over.
        try:
            if self._mode is not None and picture.mode != self._mode:
                if picture.mode in ("P", "PA"):
                    picture = picture.convert("RGBA")  # transparency may be in the palette
                picture = picture.convert(self._mode)
            samples = np.asarray(picture)
            if self.dtype == "uint32":  # Pillow has no mode for it, but its bytes
                samples = samples.view(np.uint32)
            if self._mode is None:
                samples = black_is_zero(samples, self._tags)
        except Pillow.DecompressionBombError as error:  # TIFF keeps Pillow's limit
            raise TooLarge(f"{error} Save it as FITS, or cut it first") from None
        except Exception as error:
            kind = Truncated if "truncated" in str(error).lower() else ReadError
            raise kind(f"the {self.kind} data are damaged: {error}") from None
        finally:
            self._stream.close()
        return samples if samples.ndim == 2 else np.moveaxis(samples, -1, 0)


def _dtype(picture: Pillow.Image, tags: Mapping[int, Any]) -> str:
    """Return the type of measurements that Pillow has opened."""
    unsigned = picture.format == "TIFF" and tags.get(_KIND, (1,)) == (1,)
    integer = "uint32" if unsigned else "int32"
    return {"I": integer, "F": "float32"}.get(picture.mode, "uint16")


def open_picture(stream: Stream, size: int, limit: int) -> Samples:
    """Read a picture's header; its pixels are decoded by ``planes()``."""
    head = stream.read(10)
    stream.seek(0)
    opened = next(opened for begin, opened in _OPENERS.items() if head.startswith(begin))
    try:
        picture = opened(stream)
    except Exception as error:  # as above
        deep = deep_tiff(stream)
        if deep is None:
            raise ReadError(
                f"the picture's header is damaged, or of a kind that nobody here reads ({error}): "
                "save it anew as FITS, PNG or TIFF"
            ) from None
        height, width = deep.frame(None)
        _check(3 * width * height, size * _MOST_SAMPLES_PER_BYTE, limit)
        return deep
    refuse_preview(getattr(picture, "tag_v2", {}), head)
    width, height = picture.size
    _check(width * height, size * _MOST_SAMPLES_PER_BYTE, limit)
    return opened_anew(picture, stream) if is_cut(picture) else _Picture(picture, stream)


def samples_of(picture: Pillow.Image) -> Samples:
    """Take a picture that somebody has opened, as if it were read from its file."""
    if is_cut(picture):
        raise Unsupported(
            "holds more than 8 bits, which Pillow cuts to 8 or misreads; give the path of its file"
        )
    return _Picture(picture, io.BytesIO())


class _Npy(Samples):
    def __init__(self, stream: Stream, size: int, limit: int) -> None:
        try:
            version = np.lib.format.read_magic(stream)
            if version == (1, 0):
                facts = np.lib.format.read_array_header_1_0(stream)
            else:
                facts = np.lib.format.read_array_header_2_0(stream)
        except (ValueError, EOFError) as error:
            said = str(error).splitlines()[0].partition(" on line")[0]  # the rest is for others
            raise ReadError(f"the .npy header is damaged: {said}") from None
        shape, self._fortran, self._type = facts
        if self._type.kind not in "buif" or self._type.hasobject:
            raise Unsupported(f"holds an array of {self._type}, not of real numbers")
        if len(shape) not in (2, 3) or min(shape) < 1:
            raise Unsupported(f"holds an array of shape {shape}, not (H, W) or (P, H, W)")
        count = 1
        for length in shape:
            count *= length
        if count * self._type.itemsize > size - stream.tell():
            raise Truncated(
                f"truncated: the header promises {count * self._type.itemsize} bytes, "
                f"{max(size - stream.tell(), 0)} follow"
            )
        _check(count, count, limit)
        self._shape, self._count, self._stream = shape, count, stream
        planes = planes_first(np.broadcast_to(False, shape)).shape
        super().__init__(
            kind=".npy",
            dtype=str(self._type),
            frame=(planes[-2], planes[-1]),
            plane_count=1 if len(planes) == 2 else planes[0],
            is_picture=self._type == np.uint8,
        )

    def planes(self) -> NDArray[Any]:
        with self._stream as stream:
            data = stream.read(self._count * self._type.itemsize)
        flat: NDArray[Any] = np.frombuffer(data, dtype=self._type, count=self._count)
        return planes_first(flat.reshape(self._shape, order="F" if self._fortran else "C"))


def open_npy(stream: Stream, size: int, limit: int) -> Samples:
    """Read the header of a ``.npy`` file; objects are never unpickled."""
    return _Npy(stream, size, limit)


def _check(samples: int, most: int, limit: int) -> None:
    if samples > limit:
        raise TooLarge(f"{samples} pixels are more than {limit}; raise max_pixels to read them")
    if samples > most:
        raise Truncated(f"truncated: the header promises {samples} pixels, more than fit in it")
