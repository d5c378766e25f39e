"""Variants: what the studies compare, row by row, each as a change of one short training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from training.fit.config import Config

__all__ = ["BASE", "STUDIES", "Variant"]

BASE = Config(
    network="galaxy:12,24,48,80",
    size=48,
    epochs=12,
    batch=64,
    lr=4e-3,
    ema=0.99,
    attributes=0.0,
    smoothing=0.1,
    dropout=0.1,
    imbalance="none",
)


@dataclass(frozen=True)
class Variant:
    """One row of a study: changes of the base configuration, of the pictures, of the head."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    pictures: str = "all"  # all | undersample | pixel_smote
    head: str = ""  # of the trained network: as it is | even | smote | prior
    taught: bool = False  # by the teacher's predictions
    unlabelled: bool = False  # pictures that only the teacher speaks of


def _augmented(**off: float) -> dict[str, Any]:
    return {"augment": off}


_PARTS = ("zoom", "shift", "grey", "gain", "gamma", "brightness", "noise", "blur")
_STILL = dict.fromkeys(_PARTS, 0.0) | {"exact": 1.0}
_LOGIT = {"imbalance": "logit", "tau": 0.7}
_TAUGHT = {**_LOGIT, "attributes": 0.5, "distil": 0.7, "extra": 0.5}

STUDIES: dict[str, tuple[Variant, ...]] = {
    "imbalance": (
        Variant("cross-entropy"),
        Variant("weighted, 1/sqrt(n)", {"imbalance": "weighted"}),
        Variant("class-balanced loss", {"imbalance": "effective"}),
        Variant("focal loss", {"imbalance": "focal"}),
        Variant("logit adjustment, tau 1", {"imbalance": "logit", "tau": 1.0}),
        Variant("logit adjustment, tau 0.7", {"imbalance": "logit", "tau": 0.7}),
        Variant("square-root sampling", {"imbalance": "sampler"}),
        Variant("class-balanced sampling", {"imbalance": "even"}),
        Variant("under-sampling", pictures="undersample"),
        Variant("SMOTE of pixels", pictures="pixel_smote"),
        Variant("prior subtracted afterwards", head="prior"),
        Variant("head retrained, balanced", head="even"),
        Variant("head retrained, SMOTE of features", head="smote"),
    ),
    "augmentation": (
        Variant("all"),
        Variant("no zoom", _augmented(zoom=0)),
        Variant("no shift", _augmented(shift=0)),
        Variant("quarter turns only", _augmented(exact=1.0, zoom=0)),
        Variant("no band dropped to grey", _augmented(grey=0)),
        Variant("no gain", _augmented(gain=0)),
        Variant("no gamma (re-stretching)", _augmented(gamma=0)),
        Variant("no brightness", _augmented(brightness=0)),
        Variant("no noise", _augmented(noise=0)),
        Variant("no blur", _augmented(blur=0)),
        Variant("no dropout", {"dropout": 0.0}),
    ),
    "resolution": tuple(
        Variant(f"{size} pixels", {"size": size, "imbalance": "logit"})
        for size in (32, 48, 64, 72, 80, 96)
    ),
    "steps": (
        Variant("labels, cross-entropy, no augmentation beyond turns", _augmented(**_STILL)),
        Variant("+ augmentation"),
        Variant("+ logit adjustment", _LOGIT),
        Variant("+ EFIGI's attributes beside the class", {**_LOGIT, "attributes": 0.5}),
        Variant("+ a teacher's predictions", {**_TAUGHT, "extra": 0.0}, taught=True),
        Variant("+ pictures without labels", _TAUGHT, taught=True, unlabelled=True),
        Variant(
            "+ the teacher's features", {**_TAUGHT, "hints": 1.0}, taught=True, unlabelled=True
        ),
    ),
}
