"""Which format a file is in, by its content, and the FITS that the core reads."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from galedge.core.backend import _core
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.images.asinh import is_asinh, to_flux
from galedge.images.foreign import HEAD, refusal
from galedge.images.header import HduName, plain_hdu
from galedge.images.kinds import FOLLOWING, is_plane
from galedge.images.samples import Samples
from galedge.support.packed import Packed, is_packed
from galedge.support.regular import open_regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

Content: TypeAlias = "str | memoryview"

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NPY = b"\x93NUMPY"
_CHUNK = 1 << 16


class Fits:
    """A FITS file, by the compiled core."""

    def __init__(self, file: _core.FitsFile, content: Content, limit: int) -> None:
        self.file = file
        self._content = content
        self._limit = limit

    def image(self, hdu: HduName | None) -> _core.Hdu:
        """Find an HDU by number or EXTNAME; by default the first image.

        Weights, masks and the like come after all others.
        """
        if isinstance(hdu, int) and hdu < 0:
            raise ReadError(f"no HDU {hdu}: HDUs are numbered from 0")
        found = self.file.image(plain_hdu(hdu))
        if hdu is None and is_plane(found.text):
            others = (h for h in self.file.hdus() if h.is_image and not is_plane(h.text))
            return next(others, found)
        return found

    def others(self, hdu: _core.Hdu) -> bool:
        """Tell whether an image is followed by another, besides weights and masks."""
        return any(not is_plane(other.text) for other in self.file.following(hdu, FOLLOWING))

    def frame(self, hdu: HduName | None) -> tuple[int, int]:
        """Height and width."""
        shape = self.image(hdu).shape
        assert shape is not None  # image() gives images only
        return shape[1], shape[2]

    def read(
        self,
        hdu: _core.Hdu,
        plane: int | None,
        window: tuple[int, int, int, int] | None,
        double: bool,
    ) -> NDArray[np.floating[Any]]:
        """Physical values of all planes or of one, in linear flux."""
        if not is_asinh(hdu.text):
            return self._decoded(hdu, plane, window, double)
        flux = to_flux(self._decoded(hdu, plane, window, True), hdu.text)
        with np.errstate(over="ignore"):  # what is no flux is infinite
            return flux if double else flux.astype(np.float32)

    def _decoded(
        self,
        hdu: _core.Hdu,
        plane: int | None,
        window: tuple[int, int, int, int] | None,
        double: bool,
    ) -> NDArray[np.floating[Any]]:
        try:
            return self.file.read(hdu, plane, window, double)
        except Unsupported:
            if _core.codecs().get(str(hdu.compression)) is None:
                raise
        from galedge.images import rustfits

        return rustfits.read(hdu, lambda: self._data(hdu), plane, window, double, self._limit)

    def _data(self, hdu: _core.Hdu) -> bytes:
        """Read an HDU's data unit as it is stored, where the file is gzipped after inflating."""
        if hdu.data_bytes > self._limit * 8 + (1 << 26):
            raise TooLarge(f"its tiles take {hdu.data_bytes} bytes; raise max_pixels to read them")
        end = hdu.data_offset + hdu.data_bytes
        with _file(self._content) as stream:
            is_gzip = is_packed(stream.read(2))
            stream.seek(0 if is_gzip else hdu.data_offset)
            if is_gzip:
                packed = Packed(stream, end)
                packed.fill(end)
                data = bytes(packed.data[hdu.data_offset : end])
            else:
                data = stream.read(min(hdu.data_bytes, _size(stream)))
        if len(data) < hdu.data_bytes:
            raise Truncated("truncated: the file ends inside its tiles")
        return data


def open_source(
    content: Content, limit: int, hdu: HduName | None, *, whole: bool = False
) -> Fits | Samples:
    """Open by content: FITS first, as that is what nearly every source is."""
    try:
        if isinstance(content, str):
            return Fits(_core.open_fits(content, limit), content, limit)
        return Fits(_core.open_fits_buffer(content, limit), content, limit)
    except ReadError as error:
        head = _head(content)
        if head.startswith(b"BZh"):
            return _open_bzip2(content, limit, None if whole else hdu, whole)
        if head.startswith(_PICTURES):
            from galedge.images.pictures import open_picture

            stream = _file(content)
            return open_picture(stream, _size(stream), limit)
        if head.startswith(_NPY):
            from galedge.images.pictures import open_npy

            stream = _file(content)
            return open_npy(stream, _size(stream), limit)
        if str(error).startswith("not a FITS file"):
            raise Unsupported(refusal(head)) from None
        raise


def _head(content: Content) -> bytes:
    if not isinstance(content, str):
        return bytes(content[:HEAD])
    try:
        with _file(content) as stream:
            return stream.read(HEAD)
    except ReadError:
        return b""


def _file(content: Content) -> io.BufferedReader | io.BytesIO:
    """Open a seekable stream."""
    if isinstance(content, str):
        return io.BufferedReader(open_regular(content))
    return io.BytesIO(content)


def _size(stream: io.BufferedReader | io.BytesIO) -> int:
    # Of what is open: the name may stand for another file by now, or for none.
    if isinstance(stream, io.BytesIO):
        return len(stream.getbuffer())
    return os.fstat(stream.fileno()).st_size


def _open_bzip2(content: Content, limit: int, hdu: HduName | None, whole: bool) -> Fits:
    """Inflate headers until the HDU is found, then the pixels it promises."""
    with _file(content) as stream:
        bzip2 = Packed(stream, limit * 8 + (1 << 26))
        size = _CHUNK
        while True:
            bzip2.fill(size)
            data = memoryview(bytes(bzip2.data))
            fits = Fits(_core.open_fits_buffer(data, limit), data, limit)
            if bzip2.complete:
                return fits
            try:
                size = _needed(fits, hdu, whole)
            except Truncated:  # inside a header
                size = 2 * size
            if size <= len(data):
                return fits


def _needed(fits: Fits, hdu: HduName | None, whole: bool) -> int:
    """How many bytes there must be to read the HDU, or to look for it further."""
    if not whole:
        try:
            found = fits.image(hdu)
        except Truncated:
            raise
        except ReadError:
            pass  # perhaps it only comes later
        else:
            if hdu is not None or not is_plane(found.text):
                return _end(found)
    # Where something follows and is no HDU, there is nothing to look for.
    return _end(fits.file.hdus()[-1]) + 9


def _end(hdu: _core.Hdu) -> int:
    """Where an HDU's last block ends."""
    return hdu.data_offset + (hdu.data_bytes + 2879) // 2880 * 2880
