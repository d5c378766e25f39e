"""Splits: by galaxy, whatever names a galaxy goes by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from training.data.duplicates import (
    fingerprint,
    groups,
    look_alikes,
    matches,
    not_elsewhere,
    sky_pairs,
)

__all__ = [
    *("SIDES", "Beside", "as_beside", "assign", "on_one_side", "places", "same_galaxy", "splits"),
]

SIDES = ("train", "val", "test")  # each held out further than the one before


def splits(
    galaxies: list[str],
    seed: int = 0,
    val: float = 0.12,
    test: float = 0.12,
    kinds: np.ndarray | None = None,
) -> list[str]:
    """Return train, val or test for each picture; all pictures of a galaxy share one.

    Shares are taken of the galaxies of each kind by itself, at least one where there are
    three: of a rare class something is left to measure. `kinds` (N,) are the pictures'.
    """
    names, first, place = np.unique(galaxies, return_index=True, return_inverse=True)
    luck = np.random.default_rng(seed).random(len(names))
    kind = np.zeros(len(names)) if kinds is None else kinds[first]
    side = np.full(len(names), "train")
    for one in np.unique(kind):
        members = np.flatnonzero(kind == one)
        members = members[np.argsort(luck[members])]
        wanted = [max(round(share * len(members)), 1) if share else 0 for share in (test, val)]
        if len(members) >= 3:
            side[members[: wanted[0]]] = "test"
            side[members[wanted[0] : sum(wanted)]] = "val"
    return [str(one) for one in side[place]]


def places(rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension and declination in degrees, NaN where unknown."""
    ra, dec = (
        np.array([float(row.get(name) or "nan") for row in rows], float) for name in ("ra", "dec")
    )
    return ra, dec


def same_galaxy(rows: list[dict[str, str]], pixels: np.ndarray) -> np.ndarray:
    """Return one name for all pictures of a galaxy, by its names, position and look."""
    where, prints = places(rows), fingerprint(pixels)
    pairs = [sky_pairs(*where), not_elsewhere(look_alikes(prints), prints, *where)]
    return groups(np.array([row["galaxy"] for row in rows]), np.concatenate(pairs))


def on_one_side(group: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return the splits with every group on one side: the one that is held out furthest."""
    furthest: dict[str, int] = {}
    for name, side in zip(group, split, strict=True):
        if side in SIDES:
            furthest[name] = max(furthest.get(name, 0), SIDES.index(side))
    kept = [
        SIDES[furthest[name]] if side in SIDES else side
        for name, side in zip(group, split, strict=True)
    ]
    return np.array(kept, dtype=split.dtype)


def assign(
    rows: list[dict[str, str]], group: np.ndarray, seed: int, kinds: np.ndarray
) -> list[str]:
    """Give every row its `group`, a split where it has none, and the group's where they differ.

    Rows without a split join train, and where there are labels a split that no row was given,
    val or test, is drawn from train. `kinds` (N,) tells the classes, -1 of rows without labels,
    which stay in train.

    Returns
    -------
    list of str
        What was moved, a sentence each.
    """
    given = np.array([row.get("split") or "" for row in rows], dtype="U12")
    split = on_one_side(group, np.where(given == "", "train", given))
    notes = []
    for row, before, side, name in zip(rows, given, split, group, strict=True):
        if before not in ("", side):
            notes.append(f"{row['file']}: from {before} to {side}, where {name} is")
    labelled = np.isin(group, group[kinds != -1])
    free = np.flatnonzero((split == "train") & labelled)
    lacking = [side for side in ("val", "test") if side not in given and len(free)]
    if lacking:
        shares = {side: 0.12 * (side in lacking) for side in ("val", "test")}
        split[free] = splits(group[free].tolist(), seed, kinds=kinds[free], **shares)
        moved = [int(((given == "train") & (split == side)).sum()) for side in lacking]
        if any(moved):
            drawn = " and ".join(f"{n} to {s}" for n, s in zip(moved, lacking, strict=True))
            notes.append(f"the data set has no {' and no '.join(lacking)}: of train went {drawn}")
    for row, side, name in zip(rows, split, group, strict=True):
        row["split"], row["group"] = str(side), str(name)
    return notes


# Two surveys' frames of one galaxy differ in size; a fingerprint bears some hundredths.
ZOOMS = np.geomspace(0.8, 1.25, 13)


class Beside(NamedTuple):
    """Another pack: what it is called, its rows, and its prepared pictures (N, 3, S, S)."""

    name: str
    rows: list[dict[str, str]]
    pixels: np.ndarray


def as_beside(
    rows: list[dict[str, str]], wide: np.ndarray, packs: Iterable[Beside], side: int
) -> list[str]:
    """Give pictures of galaxies that other packs hold these packs' split.

    So nothing that is measured with one data set has been learned from another. Where packs
    differ the galaxy is held out as far as in any. They are found by look, framed a little
    wider or closer, and by position; names count within a data set only.

    Parameters
    ----------
    wide : ndarray
        Prepared pictures in a frame of more than `side` pixels, uint8 (N, 3, P, P).

    Returns
    -------
    list of str
        How many were found, a sentence for each pack.
    """
    notes: list[str] = []
    taken: dict[int, int] = {}
    packs = list(packs)
    theirs = [fingerprint(pack.pixels) for pack in packs]
    found = [[_near(rows, pack.rows)] for pack in packs]
    for zoom in ZOOMS if packs else ():
        prints = fingerprint(_middle(wide, round(side * zoom)))
        for pairs, others in zip(found, theirs, strict=True):
            pairs.append(matches(prints, others))
    for pack, pairs in zip(packs, found, strict=True):
        here = {}
        for i, j in np.concatenate(pairs).tolist():
            held = pack.rows[j].get("split") or "train"
            if held in SIDES:
                here[i] = max(here.get(i, 0), SIDES.index(held))
        taken |= {i: max(taken.get(i, 0), held) for i, held in here.items()}
        notes.append(f"{len(here)} pictures are of galaxies of {pack.name}, and get its split")
    for i, held in taken.items():
        if rows[i].get("split") in (*SIDES, "", None):
            rows[i]["split"] = SIDES[held]
    return notes


def _near(rows: list[dict[str, str]], others: list[dict[str, str]]) -> np.ndarray:
    """Return the pairs (P, 2) of rows and others that lie at one place of the sky."""
    ra, dec = (np.concatenate(pair) for pair in zip(places(rows), places(others), strict=True))
    pairs = sky_pairs(ra, dec)
    across = (pairs < len(rows)).sum(1) == 1
    return np.sort(pairs[across], 1) - np.array([0, len(rows)])


def _middle(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return the middle of pictures."""
    edge = max(0, (pixels.shape[-1] - side) // 2)
    return pixels[:, :, edge : pixels.shape[-1] - edge, edge : pixels.shape[-1] - edge]
