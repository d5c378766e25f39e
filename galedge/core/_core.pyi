"""Types of the compiled core (csrc/)."""

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

HeaderValue = bool | int | float | complex | str | None

def isa() -> Literal["baseline", "avx2", "avx512"]: ...

# --- FITS -----------------------------------------------------------------

class Wcs:
    @property
    def distorted(self) -> bool: ...
    @property
    def crpix(self) -> tuple[float, float]: ...
    @property
    def crval(self) -> tuple[float, float]: ...
    @property
    def matrix(self) -> tuple[tuple[float, float], tuple[float, float]]: ...
    @property
    def lonpole(self) -> float: ...
    @property
    def pixel_scale(self) -> float: ...
    def pixel_to_sky(self, x: float, y: float) -> tuple[float, float]: ...
    def shifted(self, x: float, y: float) -> Wcs: ...

class Hdu:
    @property
    def index(self) -> int: ...
    @property
    def kind(self) -> Literal["image", "compressed image", "table", "other"]: ...
    @property
    def name(self) -> str: ...
    @property
    def bitpix(self) -> int: ...
    @property
    def axes(self) -> tuple[int, ...]: ...
    @property
    def is_image(self) -> bool: ...
    @property
    def is_picture(self) -> bool: ...
    @property
    def shape(self) -> tuple[int, int, int] | None: ...
    @property
    def compression(self) -> HeaderValue: ...
    @property
    def text(self) -> bytes: ...
    @property
    def data_offset(self) -> int: ...
    @property
    def data_bytes(self) -> int: ...
    def wcs(self) -> Wcs | None: ...

class FitsFile:
    def hdus(self) -> list[Hdu]: ...
    def image(self, hdu: int | None = None) -> Hdu: ...
    def read(
        self,
        hdu: Hdu,
        plane: int | None = None,
        window: tuple[int, int, int, int] | None = None,
        double_precision: bool = False,
    ) -> NDArray[np.floating[Any]]: ...
    def verify(self, hdu: Hdu) -> tuple[bool | None, bool | None]: ...

def open_fits(path: str | bytes | os.PathLike[Any], max_pixels: int | None = None) -> FitsFile: ...
def open_fits_buffer(buffer: Buffer, max_pixels: int | None = None) -> FitsFile: ...
def parse_cards(text: bytes) -> list[tuple[str, HeaderValue]]: ...
def card_text(text: bytes, keyword: str) -> str: ...

# --- Preparation ----------------------------------------------------------

class Recipe:
    def __init__(
        self,
        *,
        size: int,
        frame_pixels: float,
        margin: float,
        threshold: float,
        softening: float,
        white: float,
        stretch: str,
        q: float,
    ) -> None: ...

# Numbers as a structured array, (ra, dec) rows, HDUs, OBJECT, DATE-OBS, errors,
# and whether an error says that the core does not support the file.
Result = tuple[
    NDArray[np.void],
    NDArray[np.float64],
    list[int],
    list[str],
    list[str],
    list[str | None],
    list[bool],
]

def prepare_arrays(
    images: list[NDArray[np.float32]],
    pictures: list[bool],
    recipe: Recipe,
    out: NDArray[np.uint8] | NDArray[np.float32],
    threads: int = 1,
) -> Result: ...
def prepare_files(
    paths: list[bytes],
    hdu: int,
    plane: int,
    recipe: Recipe,
    out: NDArray[np.uint8] | NDArray[np.float32],
    threads: int = 1,
) -> Result: ...
def border_sky(image: NDArray[np.float32]) -> tuple[float, float]: ...
def resample(
    image: NDArray[np.float32], x: float, y: float, side: float, size: int, fill: float
) -> tuple[NDArray[np.float32], float]: ...
def zscale(values: NDArray[np.float32]) -> tuple[float, float]: ...
def lupton(bands: NDArray[np.float32], stretch: float, q: float) -> NDArray[np.uint8]: ...
def asinh(x: NDArray[np.float32]) -> NDArray[np.float32]: ...
def background(
    image: NDArray[np.float32],
    mesh: int,
    filter: int,
    threads: int,
    level: NDArray[np.float32] | None = None,
    noise: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]: ...
