"""Duplicates: pictures of one galaxy under several names, found by sky position and by pixels.

The usual perceptual hashes fail on galaxies: centred and framed alike, they all
look alike to a dHash of 64 bits (on 6,495 pictures of EFIGI and OpenNGC,
860,000 pairs differ in at most 4 bits). What no two galaxies share is what is
left when each is subtracted from itself turned by half a turn: arms, knots,
dust, neighbours, stars in front and the noise. `fingerprint` is that
residual in units of the light's square root, and two pictures are the same
where theirs correlate. It finds the same pixels in another stretch, size or
file; not the same sky in a frame of another size, which names or positions tell.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = [
    "ALIKE",
    "RADIUS",
    "fingerprint",
    "groups",
    "look_alikes",
    "matches",
    "not_elsewhere",
    "sky_pairs",
]

# Correlation from which two pictures are the same: of 27 million pairs of different
# spirals (Galaxy Zoo 1, most of them edge-on or small) none reaches 0.64; of fifteen
# galaxies that OpenNGC's and Galaxy Zoo's pictures share, each exceeds 0.70.
ALIKE = 0.68
RADIUS = 3.0  # arcsec between two positions that are the same
SAME = (
    0.998  # of pictures that are one file under two names; no two of FIRST's sources come so near
)
ELSEWHERE = 300.0  # arcsec from which no two positions are one galaxy's, however rough they are
SIDE = 36
CORE = 0.2 * SIDE  # pixels; within, a centre that is off by half a pixel leaves most
REACH = 6  # pixels; the scale above which light is no detail
FLOOR = 5.0  # counts of light below which residuals are not weighed up further
MOST = 1.0  # residuals beyond it, from stars, count no more


def fingerprint(pixels: np.ndarray) -> np.ndarray:
    """Return what is not symmetric in prepared pictures, as vectors of length one.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (N, 3, S, S)
        Framed alike, the galaxy in the middle.

    Returns
    -------
    ndarray of float32, shape (N, D)
        Their scalar products are correlations; zeros for a picture without
        residual, which resembles nothing.
    """
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    half = (y < 0) & (np.hypot(x, y) > CORE)
    prints = np.empty((len(pixels), int(half.sum())), np.float32)
    for k, picture in enumerate(pixels):
        light = Image.fromarray(np.asarray(picture).mean(0, dtype=np.float32))
        small = np.asarray(light.resize((SIDE, SIDE), Image.Resampling.BOX))
        smooth = _smooth(small)
        detail = (small - smooth) / np.sqrt(np.maximum(smooth, 0) + FLOOR)
        detail = np.clip(detail, -MOST, MOST)
        prints[k] = (detail - detail[::-1, ::-1])[half]
    length = np.linalg.norm(prints, axis=1, keepdims=True)
    return np.divide(prints, length, out=np.zeros_like(prints), where=length > 1)


def _smooth(image: np.ndarray, reach: int = REACH) -> np.ndarray:
    """Return an image blurred by a Gaussian of a third of its reach, edges repeated."""
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (reach / 3)) ** 2)
    taps /= taps.sum()
    for _ in range(2):
        wide = np.pad(image, ((reach, reach), (0, 0)), mode="edge")
        image = np.lib.stride_tricks.sliding_window_view(wide, len(taps), 0) @ taps
        image = image.T
    return image


def look_alikes(prints: np.ndarray, alike: float = ALIKE, block: int = 512) -> np.ndarray:
    """Return the pairs (P, 2), first index smaller, whose fingerprints correlate."""
    pairs = [np.empty((0, 2), int)]
    for start in range(0, len(prints), block):
        likeness = prints[start : start + block] @ prints[start:].T
        first, second = np.nonzero(likeness >= alike)
        ahead = first < second
        pairs.append(np.stack([first[ahead], second[ahead]], 1) + start)
    return np.concatenate(pairs)


def matches(
    first: np.ndarray, second: np.ndarray, alike: float = ALIKE, block: int = 2048
) -> np.ndarray:
    """Return the pairs (P, 2) of one set's and another's fingerprints that correlate."""
    pairs = [np.empty((0, 2), int)]
    for start in range(0, len(first), block):
        one, other = np.nonzero(first[start : start + block] @ second.T >= alike)
        pairs.append(np.stack([one + start, other], 1))
    return np.concatenate(pairs)


def sky_pairs(ra: np.ndarray, dec: np.ndarray, radius: float = RADIUS) -> np.ndarray:
    """Return the pairs (P, 2) of positions (degrees, NaN unknown) within a radius (arcsec)."""
    from sklearn.neighbors import BallTree

    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if len(known) < 2:
        return np.empty((0, 2), int)
    places = np.radians(np.stack([dec[known], ra[known] % 360], 1))
    near = BallTree(places, metric="haversine").query_radius(places, np.radians(radius / 3600))
    pairs = [(known[i], known[j]) for i, found in enumerate(near) for j in found if i < j]
    return np.array(pairs, int).reshape(-1, 2)


def not_elsewhere(
    pairs: np.ndarray, prints: np.ndarray, ra: np.ndarray, dec: np.ndarray
) -> np.ndarray:
    """Return the pairs that look alike and are not known to lie at different places of the sky.

    Where little is resolved, as of radio sources, two that have nothing in common look alike. One
    picture under two names stays a pair, whatever places a table gives it.
    """
    likeness = (prints[pairs[:, 0]] * prints[pairs[:, 1]]).sum(1)
    (ra_1, dec_1), (ra_2, dec_2) = (np.radians([ra[one], dec[one]]) for one in pairs.T)
    half = np.sin((dec_1 - dec_2) / 2) ** 2
    half = half + np.cos(dec_1) * np.cos(dec_2) * np.sin((ra_1 - ra_2) / 2) ** 2
    apart = np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))) * 3600
    return pairs[(likeness >= SAME) | ~(apart > ELSEWHERE)]  # NaN, not known, is kept


def groups(galaxy: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return one name for all pictures that a chain of names and pairs connects."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, place = np.unique(galaxy, return_inverse=True)
    links = place[np.asarray(pairs, int).reshape(-1, 2)]
    shape = (len(names), len(names))
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=shape)
    _, part = connected_components(graph, directed=False)
    _, first = np.unique(part, return_index=True)
    return names[first[part]][place]
