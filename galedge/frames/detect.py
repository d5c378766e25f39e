"""Sources that nobody listed: found in the frame by sep, SExtractor's library."""

from __future__ import annotations

import numpy as np

from galedge.errors import TooLarge, Unsupported
from galedge.frames.frame import STRIP_PIXELS, Frame, clipped
from galedge.frames.sky import subtracted
from galedge.frames.sources import Sources
from galedge.support.extras import need

__all__ = ["MIN_AREA", "THRESHOLD", "detect"]

#: Of a pixel of the smoothed frame, in units of the noise there.
THRESHOLD = 2.0
#: Pixels above it that a source must have.
MIN_AREA = 20

# A cutout is so many times as wide as what rises above the threshold; no less
# than the sky needs that is measured along its border.
_MARGIN, _LEAST = 2.0, 32
_RMS = 4.0  # which, however, counts up to so many times the r.m.s. radius


def detect(
    frame: Frame, threshold: float = THRESHOLD, min_area: int = MIN_AREA, *, threads: int = 1
) -> Sources:
    """Find the sources of a frame.

    The sky and the noise are galedge's own maps (`galedge.background`), smoothing,
    thresholding, deblending and cleaning are sep's (Barbary 2016, JOSS 1, 58), with
    SExtractor's parameters (Bertin & Arnouts 1996, A&AS 117, 393). Of three bands
    the middle one is searched.

    Parameters
    ----------
    frame : Frame
        Linear flux.
    threshold : float
        In units of the noise.
    min_area : int
        Pixels above the threshold.
    threads : int
        For the sky.

    Returns
    -------
    Sources
        From the bottom to the top; with no names, and cutouts sized by the extent of each.

    Raises
    ------
    GaledgeError
        If sep is missing, or the frame cannot be searched: 8-bit pictures, blank
        frames, and what does not fit into memory.
    """
    sep = need("sep", "detect", "--detect")
    if frame.is_picture:
        raise Unsupported(
            f"{frame.path}: is an 8-bit picture; sources are found in linear flux only, "
            "give a list with --catalog"
        )
    height, width = frame.shape
    if height * width > STRIP_PIXELS:
        raise TooLarge(
            f"{frame.path}: {width} x {height} pixels are too many to search at once "
            f"(the most is {STRIP_PIXELS}); give a list with --catalog"
        )
    pixels, noise = subtracted(frame, threads)
    blank = np.isnan(pixels)
    pixels = np.where(blank, 0, pixels)
    # As many as all pixels can be in one source, where a nebula fills the frame.
    sep.set_extract_pixstack(max(sep.get_extract_pixstack(), pixels.size))
    sep.set_sub_object_limit(max(sep.get_sub_object_limit(), 1 << 14))
    try:
        found = sep.extract(
            pixels, threshold, err=noise, mask=blank if blank.any() else None, minarea=min_area
        )
    except Exception as error:  # sep raises bare Exceptions
        raise Unsupported(
            f"{frame.path}: sep gave up: {error}; try a higher --threshold or --min-area"
        ) from None
    found = found[np.argsort(found["y"], kind="stable")]
    x, y = found["x"].astype(np.float64), found["y"].astype(np.float64)
    reach = np.maximum.reduce(
        [x - found["xmin"], found["xmax"] - x, y - found["ymin"], found["ymax"] - y]
    )
    # Outskirts that run into a neighbour's reach far, but weigh little.
    extent = 2 * np.minimum(reach + 0.5, _RMS * found["a"])
    side = clipped(np.maximum(_LEAST, np.ceil(_MARGIN * extent)))
    names: list[str | None] = [None] * len(found)
    return Sources(x, y, side, np.zeros(len(found), bool), names)
