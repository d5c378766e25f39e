"""Non-parametric structure of a galaxy: concentration, asymmetry, smoothness, Gini, M20.

Definitions follow Conselice (2003, ApJS 147, 1) and Lotz, Primack & Madau (2004,
AJ 128, 163) in the conventions of Rodriguez-Gomez et al. (2019, MNRAS 483,
4140; the package statmorph), against which the tests compare. Fluxes are
linear, less galedge's own sky; the galaxy is the central source's isophote.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galedge.answers.indices import (
    APERTURE,
    gini,
    gini_region,
    least_asymmetry,
    m20,
    petrosian,
    radius_holding,
    shape,
    sky_asymmetry,
    smoothness,
)
from galedge.answers.mixtures import Point
from galedge.answers.nucleus import POINT, nucleus
from galedge.answers.photometry import Doubles, Mask, growth
from galedge.core.kernels import (
    CROPPED,
    NEIGHBOUR,
    SMALL,
    border_sky,
    central_cells,
    constant_areas,
    find_central,
)
from galedge.core.units import in_units, unit_of
from galedge.errors import Blank, Unsupported
from galedge.images.arrays import image_in
from galedge.images.image import Image
from galedge.images.mosaic import apart

__all__ = ["FLAGS", "Psf", "Structure", "structure"]

Psf: TypeAlias = Point | Callable[[NDArray[np.float32]], Point | None]
"""A point spread function, or how to find it in an image's pixels."""

#: Quality flags, with what each means.
FLAGS = {
    "no_source": "nothing rises above the sky near the centre; there are no numbers",
    "cropped": "the galaxy reaches beyond the image",
    "neighbour": "the isophote holds a neighbour or is lopsided",
    "small": "the galaxy is under ten pixels across",
    "masked": "over a tenth of the aperture is covered by other sources or has no valid pixels",
    "no_petrosian": "the brightness never falls to a fifth of its mean; radii are the image's",
    "aperture": "the aperture of 1.5 Petrosian radii reaches beyond the image",
    "disjoint": "the region of Gini and M20 was in several parts; the brightest was taken",
    "low_sn": "the signal-to-noise per pixel is below 2.5, under which the numbers drift",
    "stretched": "8-bit data, perhaps not linear in flux",
    "no_psf": "the point spread function is not known; the nucleus is not measured",
    "unresolved": "the galaxy is hardly wider than a point; its nucleus is not measured",
    "nuclear_point": "a point in the middle that is more than chance or a bulge, see nuclei.md",
}

_LENGTHS = ("r_petrosian", "r_half", "r20", "r80")

_LEAST_SN = 2.5  # Lotz et al. (2004), section 3


@dataclass(frozen=True, slots=True)
class Structure:
    """What was measured; NaN where it could not be.

    Attributes
    ----------
    x, y : float
        The centre, which minimises the asymmetry; the first pixel's is (0, 0).
    concentration : float
        5 log10(r80 / r20), of the light within 1.5 Petrosian radii
        (Conselice 2003, section 3.1).
    asymmetry : float
        sum|I - I180| / sum|I| within 1.5 Petrosian radii, less that of the sky
        (Conselice 2003, section 3.2; Lotz et al. 2004, eq. 10).
    smoothness : float
        Light in clumps brighter than their surroundings, 0.25 Petrosian radii
        wide, over all light, outside the centre, less that of the sky (Lotz et
        al. 2004, eq. 11; Conselice's S is ten times it).
    gini : float
        Gini coefficient of the pixels that are brighter than at the Petrosian
        semi-major axis (Lotz et al. 2004, eq. 6).
    m20 : float
        log10 of the second moment of the brightest pixels that hold 20 % of the
        light over that of all (Lotz et al. 2004, eq. 8).
    ellipticity : float
        1 - b/a of the second moments within the isophote.
    position_angle : float
        Of the major axis, in degrees from +x towards +y, -90 to 90.
    r_petrosian, r_half, r20, r80 : float
        Circular radii in pixels: where the brightness is a fifth of its mean
        within; and that hold half, 20 % and 80 % of the light within 1.5 of it.
    sn_per_pixel : float
        Mean of flux over the sky's noise in the region of Gini and M20.
    point_fraction, point_fraction_error : float
        Share of the light in an unresolved nucleus, see `galedge.answers.nucleus`.
    sky, noise : float
        Level and standard deviation of the sky.
    flags : tuple of str
        Names from `FLAGS`.
    """

    x: float = math.nan
    y: float = math.nan
    concentration: float = math.nan
    asymmetry: float = math.nan
    smoothness: float = math.nan
    gini: float = math.nan
    m20: float = math.nan
    ellipticity: float = math.nan
    position_angle: float = math.nan
    r_petrosian: float = math.nan
    r_half: float = math.nan
    r20: float = math.nan
    r80: float = math.nan
    sn_per_pixel: float = math.nan
    point_fraction: float = math.nan
    point_fraction_error: float = math.nan
    sky: float = math.nan
    noise: float = math.nan
    flags: tuple[str, ...] = ()


def structure(image: Any, *, threshold: float = 2.0, psf: Psf | None = None) -> Structure:
    """Measure the central galaxy of an image.

    Parameters
    ----------
    image : Image or ndarray, shape (H, W) or (3, H, W)
        Linear flux, or what `galedge.read` knows one to be held in; of three bands
        their mean is measured, also of a raw frame of a colour camera, in pixels of the
        file. NaN is masked, and so are areas of one value that
        are no measurement (``docs/preparation.md``).
    threshold : float
        Surface brightness of the isophote, as in `galedge.Recipe`.
    psf : Point or callable, optional
        What the image makes of a point, see `galedge.answers.mixtures.of_point`; or what
        finds that in the pixels, ndarray of float32 (H, W), where it is to be found, else
        returns None, as `galedge.frames.given.own` does. Without it, and of data that are
        not linear, the nucleus is not measured.

    Returns
    -------
    Structure

    Raises
    ------
    Blank
        If no pixel is finite or all have the same value.
    Unsupported
        If the array is no image.
    """
    if not isinstance(image, Image) and type(image) is not np.ndarray:
        held = image_in(image)  # masked arrays and the like
        if held is None:
            raise Unsupported("a file is to be read first: galedge.read")
        image = held
    binning = 1
    if isinstance(image, Image):
        image = apart(image)
        binning = image.binning
    is_picture = image.is_picture if isinstance(image, Image) else image.dtype == np.uint8
    data: NDArray[Any] = image.data if isinstance(image, Image) else image
    if data.dtype.kind not in "buif" or data.ndim not in (2, 3) or data.size == 0:
        raise Unsupported(f"an array of {data.dtype} and shape {data.shape} is not an image")
    if data.ndim == 3 and data.shape[0] not in (1, 3):
        raise Unsupported(
            f"a cube of {data.shape[0]} planes is not a galaxy in one or three bands; "
            "choose one with --plane"
        )
    stretched = ("stretched",) if is_picture else ()
    if data.ndim == 3:
        data = data.mean(0, np.float32 if data.dtype == np.uint8 else None)
    # A copy, as Numba would compile once more for arrays that are read-only.
    pixels = np.array(data, np.float32, order="C")
    constant = None if is_picture else constant_areas(pixels)
    if constant is not None:
        pixels[constant] = np.nan
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0 or finite.min() == finite.max():
        raise Blank("all pixels are alike or none is finite; there is nothing to see")

    unit = unit_of(pixels)
    pixels = in_units(pixels, unit)
    level, noise = (float(value) for value in border_sky(pixels, True))
    _, labels, central, step, *_ = central_cells(pixels, threshold, True)
    found = Structure(sky=level / unit, noise=noise / unit, flags=stretched)
    if central == 0 or not math.isfinite(level) or min(pixels.shape) < 2:
        return replace(found, flags=("no_source", *stretched))
    x, y, _, bits = find_central(pixels, threshold, True)
    flags = [
        name
        for bit, name in ((CROPPED, "cropped"), (NEIGHBOUR, "neighbour"), (SMALL, "small"))
        if bits & bit
    ]
    source = np.zeros(pixels.shape, np.int32)  # what is left over at the edges is sky
    large = np.kron(labels, np.ones((step, step), np.int32))
    source[: large.shape[0], : large.shape[1]] = large
    finite_mask = np.isfinite(pixels)
    valid = finite_mask & ((source == 0) | (source == central))
    flux = np.where(valid, pixels.astype(float) - level, 0.0)
    sky_mask = finite_mask & (source == 0)
    measured = _measure(flux, valid, source == central, sky_mask, noise, x - 0.5, y - 0.5, flags)
    if psf is not None and not stretched:
        # A colour camera's pixels lie apart, and no function is known at their distance.
        point = None if binning != 1 else psf if isinstance(psf, Point) else psf(pixels)
        measured = _with_nucleus(measured, flux, valid, source == central, noise, point)
    flagged = (*measured.flags, *stretched)
    measured = replace(measured, sky=found.sky, noise=found.noise, flags=flagged)
    return measured if binning == 1 else _unbinned(measured, binning)


def _with_nucleus(
    found: Structure, flux: Doubles, valid: Mask, inside: Mask, noise: float, psf: Point | None
) -> Structure:
    """Return what was measured with the share of the nucleus, or why it has none."""
    if psf is None:
        return replace(found, flags=(*found.flags, "no_psf"))
    # Of a faint galaxy with a bright point Petrosian's radius is the point's: it falls to a
    # fifth at once. The isophote goes on.
    ratio = 1 - found.ellipticity
    major = math.sqrt(float(inside.sum()) / math.pi / ratio) if ratio > 0 else 0.0
    share = nucleus(
        flux,
        valid,
        found.x,
        found.y,
        noise=noise,
        reach=max(APERTURE * found.r_petrosian, major),
        ratio=ratio,
        psf=psf,
    )
    if math.isnan(share.fraction):
        return replace(found, flags=(*found.flags, "unresolved"))
    flags = (*found.flags, POINT) if share.is_point else found.flags
    return replace(
        found, point_fraction=share.fraction, point_fraction_error=share.error, flags=flags
    )


def _unbinned(found: Structure, binning: int) -> Structure:
    """Return what was measured in pixels of the file, where those were of several of them."""
    lengths = {name: binning * getattr(found, name) for name in _LENGTHS}
    x, y = (binning * at + (binning - 1) / 2 for at in (found.x, found.y))
    return replace(found, x=x, y=y, **lengths)


def _measure(
    flux: Doubles,
    valid: Mask,
    inside: Mask,
    sky: Mask,
    noise: float,
    x: float,
    y: float,
    flags: list[str],
) -> Structure:
    """Measure sky-subtracted flux; (x, y) is a first guess of the centre."""
    guess, _ = petrosian(*growth(flux, valid, x, y, 1.0, 0.0))
    of_sky = sky_asymmetry(flux, sky, noise)
    x, y, asymmetry = least_asymmetry(flux, valid, x, y, APERTURE * guess, of_sky)

    light, area = growth(flux, valid, x, y, 1.0, 0.0)
    radius, reached = petrosian(light, area)
    if not reached:
        flags.append("no_petrosian")
    aperture = APERTURE * radius
    if min(x, y, flux.shape[1] - 1 - x, flux.shape[0] - 1 - y) + 0.5 < aperture:
        flags.append("aperture")
    row, column = np.indices(flux.shape)
    distance = np.hypot(column - x, row - y)
    if np.mean(~valid[distance < aperture]) > 0.1:
        flags.append("masked")
    r20, r50, r80 = (radius_holding(light, fraction, aperture) for fraction in (0.2, 0.5, 0.8))

    elongation, angle = shape(flux, inside & valid, x, y)
    major, _ = petrosian(*growth(flux, valid, x, y, elongation, angle))
    region, parts = gini_region(flux, x, y, major, elongation, angle)
    if parts > 1:
        flags.append("disjoint")
    values = flux[region & valid]
    positive = values[values >= 0]
    sn = float(positive.mean() / noise) if noise > 0 and positive.size else math.nan
    if sn < _LEAST_SN:
        flags.append("low_sn")
    return Structure(
        x=x,
        y=y,
        concentration=5 * math.log10(r80 / r20) if r20 > 0 else math.nan,
        asymmetry=asymmetry,
        smoothness=smoothness(flux, valid, sky, distance, radius),
        gini=gini(values),
        m20=m20(flux, region & valid),
        ellipticity=1 - 1 / elongation,
        position_angle=math.degrees(angle),
        r_petrosian=radius,
        r_half=r50,
        r20=r20,
        r80=r80,
        sn_per_pixel=sn,
        flags=tuple(flags),
    )
