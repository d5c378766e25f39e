"""Typical: how usual a picture is, by a network's embedding, and what that finds.

Distances are Mahalanobis' of the features' square roots, which scatter more evenly than the
features, maxima of rectified maps as half of them are. Of the ways that were compared (LOG.md)
this tells stars and artefacts from galaxies best.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galedge.network.heads.typicality import distances, roots
from training.data.pack import Pack
from training.fit.observe import seen_anew
from training.score.answers import outputs, session_of
from training.score.others import drawn

__all__ = ["Scale", "against", "embedded", "entry_of", "fit", "measured"]

FILE = "typicality.npz"
FLAG_BELOW = 0.02
PICTURES = 6144  # of train, each through a camera of its own
QUANTILES = 512  # of the distances that a card keeps
_SHRINK = 1e-4  # of the largest variance: directions in which galaxies differ less are not told


@dataclass(frozen=True)
class Scale:
    """Mean and whitening of an embedding's square roots.

    Attributes
    ----------
    mean : ndarray of float32, shape (D,)
    whitening : ndarray of float32, shape (D, D)
    """

    mean: np.ndarray
    whitening: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Scale:
        """Return that of galaxies' features (N, D)."""
        rooted = roots(features)
        mean = rooted.mean(0)
        values, vectors = np.linalg.eigh(np.cov((rooted - mean).T.astype(np.float64)))
        spread = np.sqrt(np.maximum(values, _SHRINK * values[-1]))
        return cls(mean, (vectors / spread).T.astype(np.float32))

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return how far pictures (N, D) are from the middle of galaxies (N,)."""
        return distances(roots(features), self.mean, self.whitening)


def envelope(distances: Iterable[np.ndarray]) -> np.ndarray:
    """Return what the distances of calibration's galaxies are taken to be, ascending.

    Of each quantile the largest that any camera has: then no camera's galaxies are called
    unusual more often than the share says.
    """
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.max([np.quantile(one, at) for one in distances], axis=0).astype(np.float32)


def fit(file: Path, pack: Pack, out: Path) -> dict[str, Any]:
    """Write a bundle's `typicality.npz`, by train and calibrated on val; return its card's entry.

    Parameters
    ----------
    file : Path
        The ONNX file, which gives ``pooled``.
    pack : Pack
        Labelled, with the pictures as they came (`data --keep`) or without.
    out : Path
        The bundle's folder.
    """
    scale = Scale.of(embedded(file, seen_anew(pack, PICTURES)))
    rows = pack.demand("val")
    known = [scale.distance(embedded(file, pack.exact[v][rows])) for v in pack.kinds().values()]
    target = out / FILE
    with target.open("wb") as stream:
        np.savez_compressed(
            stream, mean=scale.mean, whitening=scale.whitening, calibration=envelope(known)
        )
    return entry_of(target)


def entry_of(file: Path) -> dict[str, Any]:
    """Return what a card says of the head."""
    return {
        "kind": "typicality",
        "name": "typicality",
        "of": "embedding",
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "roots": True,
        "flag_below": FLAG_BELOW,
    }


def embedded(file: Path, pixels: np.ndarray, batch: int = 64) -> np.ndarray:
    """Return the pooled features that an ONNX file gives of pictures (N, D)."""
    batches = (pixels[low : low + batch] for low in range(0, len(pixels), batch))
    return outputs(session_of(file), ["pooled"], batches)[0]


def measured(file: Path, pack: Pack, held: Mapping[str, np.ndarray], split: str) -> dict[str, Any]:
    """Return how often galaxies are flagged by kind of input, and how well others are told.

    Parameters
    ----------
    held : mapping
        What `typicality.npz` holds.
    """
    return against(file, pack, held, split, drawn(pack))


def against(
    file: Path,
    pack: Pack,
    held: Mapping[str, np.ndarray],
    split: str,
    others: Iterable[tuple[str, np.ndarray]],
) -> dict[str, Any]:
    """Return the same of any others: names, and pictures as the network sees them."""
    from sklearn.metrics import roc_auc_score

    rows, scale = pack.demand(split), Scale(held["mean"], held["whitening"])

    def far(pixels: np.ndarray) -> np.ndarray:
        return scale.distance(embedded(file, pixels))

    limit = np.quantile(held["calibration"], 1 - FLAG_BELOW)
    usual = {kind: far(pack.exact[view][rows]) for kind, view in pack.kinds().items()}
    flagged = {kind: round(float((away > limit).mean()), 4) for kind, away in usual.items()}
    galaxies = np.concatenate(list(usual.values()))
    at_95, area = {}, {}
    for name, pixels in others:
        theirs = far(pixels)
        truth = np.repeat([0, 1], [len(galaxies), len(theirs)])
        area[name] = round(float(roc_auc_score(truth, np.append(galaxies, theirs))), 4)
        at_95[name] = round(float((galaxies > np.quantile(theirs, 0.05)).mean()), 4)
    return {"flagged": flagged, "roc_area": area, "false_alarms_at_95_found": at_95}
