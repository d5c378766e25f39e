"""Frames: cutouts straight from the file, reading only what is needed.

A few cutouts are read one by one, as windows. Where together they would read
more than the frame holds (a tile of a compressed frame is decoded for every
window that touches it), the frame is read once instead, in strips of rows that
bound the memory, and the cutouts are copied from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge.errors import GaledgeError, ReadError, Unsupported
from galedge.frames.celestial import celestial_of
from galedge.frames.sources import Catalogue, Sources
from galedge.images.aligned import Grid, apart, refuse_other_field
from galedge.images.astrometry import ALIGNED
from galedge.images.colours import RED_FIRST, named_order, order_in, refuse_misordered, stated_order
from galedge.images.formats import Fits, open_source
from galedge.images.header import HduName, Header
from galedge.images.image import MAX_PIXELS, Image, read
from galedge.images.mosaic import pattern_of
from galedge.images.planes import colours_first
from galedge.images.wavelengths import Order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from galedge.core._core import Hdu
    from galedge.images.astrometry import Sky

__all__ = ["STRIP_PIXELS", "Frame", "clipped"]

#: Pixels of a strip: 256 MiB of floats.
STRIP_PIXELS = 1 << 26

#: What opening, seeking and short reads make a pixel of a window cost, in pixels of a strip.
_WINDOW_COST = 8

_SMALLEST, _LARGEST = 8, 4096  # side of a cutout


class Frame:
    """An image with many galaxies, or three of one field in three bands.

    Not for several threads at once.

    Parameters
    ----------
    paths : str or sequence of three str
        The file; or three of one field: red, green and blue. What lies on other pixels than
        the middle one is resampled by area as it is read, see `Grid`.
    hdu : int or str, optional
        HDU of FITS files. Default: the first image.
    plane : int, optional
        Plane of cubes. Default: a cube of three is a colour image.
    order : str, optional
        Bands of the planes of a cube, as for `galedge.prepare`.

    Attributes
    ----------
    path : str
        The file that stands for the frame: of three, the middle one.
    shape : tuple of int
        Height and width; of three that of the middle one, to whose pixels the others are brought.
    order : tuple of int or None
        Which of three planes are red, green and blue, where that is known; `window` and
        `cut` leave them as the file has them.

    Raises
    ------
    GaledgeError
        If a file cannot be read as a frame, or the three do not fit.
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        hdu: HduName | None = None,
        plane: int | None = None,
        order: str | None = None,
    ) -> None:
        names = [paths] if isinstance(paths, str) else list(paths)
        self._layers = [_Layer(name, hdu, plane) for name in names]
        self._main = self._layers[len(names) // 2]
        self.path, self.shape = self._main.path, self._main.shape
        self.planes = sum(layer.planes for layer in self._layers)
        if self.planes not in (1, 3):
            raise Unsupported(
                f"{self.path}: a cube of {self.planes} planes is not a frame in one or three "
                "bands; choose one with --plane"
            )
        self.order: Order | None = None
        if self.planes == 3:
            alone = len(self._layers) == 1
            self.order = order_in(self.image, named_order(order)) if alone else RED_FIRST
        self._strip: NDArray[Any] | None = None
        self._strip_bottom = 0
        for layer in self._layers:
            if layer is not self._main:
                self._fit(layer)
        if len(self._layers) == 3:
            self._refuse_misordered()

    def _refuse_misordered(self) -> None:
        try:
            refuse_misordered([layer.sample.header.text for layer in self._layers])
        except Unsupported as error:
            raise Unsupported(f"{self.path}: {error}") from None

    def _fit(self, layer: _Layer) -> None:
        """Bring a band to the main one's pixels where it lies on others; refuse other fields."""
        try:
            ours, theirs = self._main.celestial, layer.celestial
        except ReadError:  # coordinates that nobody understands cannot differ
            ours = theirs = None
        alike = layer.shape == self.shape
        if ours is None or theirs is None:
            if alike:
                return
            raise Unsupported(
                f"{layer.path} has {layer.shape[1]} x {layer.shape[0]} pixels and {self.path} "
                f"{self.shape[1]} x {self.shape[0]}, and not both say where they lie on the sky; "
                "reproject the bands to one grid first"
            )
        if alike and apart(ours, theirs, self.shape) <= ALIGNED:
            return
        refuse_other_field(ours, theirs, self.shape, layer.shape, (layer.path, self.path))
        layer.align(ours, theirs)

    @property
    def files(self) -> list[str]:
        """Every file that the frame is read from."""
        return [layer.path for layer in self._layers]

    @property
    def image(self) -> Image:
        """The frame's header and WCS, with a few pixels."""
        return self._main.sample

    @property
    def middle(self) -> int:
        """The plane that stands for all: of three the green one."""
        return 0 if self.planes == 1 else (self.order or RED_FIRST)[1]

    @property
    def is_picture(self) -> bool:
        """Whether the pixels are already stretched."""
        return all(layer.sample.is_picture for layer in self._layers)

    @property
    def upwards(self) -> bool:
        """Whether the first row is the lowest; see `Image.upwards`."""
        stated = self.image.upwards
        return not self.is_picture if stated is None else stated

    def celestial(self) -> Sky | None:
        """Return the celestial coordinates, if the header has any; see `celestial_of`."""
        return self._main.celestial

    def locate(self, catalogue: Catalogue) -> Sources:
        """Lay a source list on the frame.

        Raises
        ------
        ReadError
            If the list is in right ascension and declination, or its sizes are
            angles, and the frame has no coordinates.
        """
        x, y = catalogue.first, catalogue.second
        side = catalogue.side
        if catalogue.on_sky or catalogue.side_on_sky:
            sky = self.celestial()
            if sky is None:
                raise ReadError(
                    f"{self.path}: has no celestial coordinates in its header, which "
                    f"{catalogue.path} needs; name columns in pixels: --columns x=NAME,y=NAME"
                )
            if catalogue.on_sky:
                x, y = sky.sky_to_pixels(x, y)
            if catalogue.side_on_sky:
                side = side * 3600 / sky.pixel_scale
        known = np.isfinite(side)
        return Sources(x, y, np.where(known, clipped(side), np.nan), known, list(catalogue.names))

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a place lies on a pixel."""
        return -0.5 <= x < self.shape[1] - 0.5 and -0.5 <= y < self.shape[0] - 0.5

    def plan(self, count: int, side: float) -> bool:
        """Decide how `count` cutouts of `side` pixels are best read.

        Returns
        -------
        bool
            Whether they should come from the bottom to the top.
        """
        rows = side if self._main.is_tiled else side * min(1.0, side * _WINDOW_COST / self.shape[1])
        if self._strip is None and count * rows <= self.shape[0]:
            return False
        # To resample costs more than to read, and no more where pixels are in several cutouts.
        if self._is_resampled and count * side * side <= self.shape[0] * self.shape[1]:
            return False
        if self._strip is None:
            self._load(0)
        return self._strip_height < self.shape[0]

    @property
    def _is_resampled(self) -> bool:
        return any(layer.is_resampled for layer in self._layers)

    @property
    def _strip_height(self) -> int:
        return max(1, min(self.shape[0], STRIP_PIXELS // (self.shape[1] * self.planes)))

    def _load(self, bottom: int) -> None:
        height = min(self._strip_height, self.shape[0] - bottom)
        self._strip = None  # before the next is in memory too
        self._strip = self.window(0, bottom, self.shape[1], height)
        self._strip_bottom = bottom

    def middle_window(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Read pixels of the middle plane, shape (height, width)."""
        if len(self._layers) == 1:
            return np.asarray(self._main.window(x, y, width, height)[self.middle])
        return np.asarray(self._main.window(x, y, width, height)[0])

    def window(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Read pixels, shape (planes, height, width)."""
        parts = [layer.window(x, y, width, height) for layer in self._layers]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def cut(self, x: float, y: float, side: int) -> tuple[Image, tuple[int, int]]:
        """Cut a square around a place.

        Parameters
        ----------
        x, y : float
            Zero-based pixels, within the frame.
        side : int
            In pixels. What lies outside the frame is NaN.

        Returns
        -------
        Image
            Shape (side, side) or (3, side, side), without coordinates.
        tuple of int
            x and y of its first pixel in the frame.

        Raises
        ------
        ReadError
            If the pixels cannot be read.
        """
        # The convention of astropy's Cutout2D for even sizes.
        left, bottom = int(np.ceil(x - side / 2)), int(np.ceil(y - side / 2))
        x0, x1 = max(left, 0), min(left + side, self.shape[1])
        y0, y1 = max(bottom, 0), min(bottom + side, self.shape[0])
        pixels = self._pixels(x0, y0, x1, y1)
        if pixels.shape[1:] != (side, side):
            whole = np.full((self.planes, side, side), np.nan, pixels.dtype)
            whole[:, y0 - bottom : y1 - bottom, x0 - left : x1 - left] = pixels
            pixels = whole
        data = pixels[0] if self.planes == 1 else pixels
        image = replace(
            self.image,
            data=data,
            header=Header(b""),
            wcs=None,
            wcs_unread=False,
            is_picture=self.is_picture,
            order=self.order,
        )
        return image, (left, bottom)

    def _pixels(self, x0: int, y0: int, x1: int, y1: int) -> NDArray[Any]:
        if self._strip is None or y1 - y0 > self._strip_height:
            return self.window(x0, y0, x1 - x0, y1 - y0)
        top = self._strip_bottom + self._strip.shape[1]
        if y0 < self._strip_bottom or y1 > top:
            self._load(y0)
        rows = slice(y0 - self._strip_bottom, y1 - self._strip_bottom)
        return np.ascontiguousarray(self._strip[:, rows, x0:x1])


class _Layer:
    """One file of a frame."""

    def __init__(self, path: str, hdu: HduName | None, plane: int | None) -> None:
        self.path = path
        self._plane = plane
        self._opened: Fits | None = None
        self._pixels: NDArray[Any] | None = None
        self.is_tiled = False
        self._grid: Grid | None = None
        try:
            opened = open_source(path, MAX_PIXELS, hdu)
            if isinstance(opened, Fits):
                self._opened, self._hdu = opened, opened.image(hdu)
                self.is_tiled = self._hdu.kind == "compressed image"
                self.shape = opened.frame(hdu)
                if plane is None:
                    self._refuse_mosaic(self._hdu)
        except GaledgeError as error:
            raise type(error)(f"{path}: {error}") from None
        if self._opened is None or (plane is None and _is_interleaved(self._hdu)):
            image = colours_first(read(path, hdu, "float32", plane=plane))
            self._opened = None
            self._pixels = image.data.reshape(-1, *image.data.shape[-2:])
            self.shape = self._pixels.shape[1], self._pixels.shape[2]
            self.sample = image
            self.planes = len(self._pixels)
            return
        header = Header(self._hdu.text, compressed=self.is_tiled)
        pixel = self.window(0, 0, 1, 1)
        self.planes = len(pixel)
        self.sample = Image(
            pixel,
            header,
            self._hdu.wcs(),
            path,
            self._hdu.index,
            self._hdu.is_picture,
            *self._hdu.signs,
            order=stated_order(self._hdu.text) if self.planes == 3 else None,
            other_hdus=hdu is None and self._opened.others(self._hdu),
        )

    def _refuse_mosaic(self, hdu: Hdu) -> None:
        """Refuse a raw frame of colours, which in half its size would have other places."""
        planes = hdu.shape[0] if hdu.shape else 0
        pattern = pattern_of(hdu.text, self.shape[0]) if planes == 1 else None
        if pattern is not None:
            raise Unsupported(
                f"is a raw frame of a colour camera (its pixels lie under {pattern}); interpolate "
                "its colours first, or take it for grey with --plane 0"
            )

    @cached_property
    def celestial(self) -> Sky | None:
        """The celestial coordinates, if the header has any."""
        return celestial_of(self.sample, self.shape)

    def align(self, main: Sky, own: Sky) -> None:
        """Give pixels of another grid from now on."""
        self._grid = Grid(self._own_window, (self.planes, *self.shape), main, own)

    @property
    def is_resampled(self) -> bool:
        """Whether its pixels are another's."""
        return self._grid is not None

    def window(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Read pixels, shape (planes, height, width)."""
        if self._grid is not None:
            return self._grid.window(x, y, width, height)
        return self._own_window(x, y, width, height)

    def _own_window(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        if self._opened is None:
            assert self._pixels is not None
            return np.ascontiguousarray(self._pixels[:, y : y + height, x : x + width])
        try:
            data = self._opened.read(self._hdu, self._plane, (x, y, width, height), False)
        except ReadError as error:
            raise type(error)(f"{self.path}: {error}") from None
        return data.reshape(-1, height, width)


def _is_interleaved(hdu: Hdu) -> bool:
    """Tell whether colours stand pixel by pixel; then the frame is read as a whole."""
    planes, _, width = hdu.shape or (1, 0, 0)
    return planes not in (1, 3) and width in (3, 4)


def clipped(side: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sides that a cutout may have."""
    return np.clip(side, _SMALLEST, _LARGEST)
