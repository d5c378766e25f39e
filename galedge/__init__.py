"""Galaxy morphology at the telescope.

>>> import galedge
>>> clf = galedge.Classifier()
>>> clf.classify("ngc4414.fits").label  # doctest: +SKIP
'Sc'

Public names are imported when first used, so that ``import galedge`` and
``galedge --help`` cost next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from galedge._version import __version__

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier, classify
    from galedge.answers.result import Result
    from galedge.errors import (
        Blank,
        GaledgeError,
        ModelError,
        OutputError,
        ReadError,
        TooLarge,
        Truncated,
        Unsupported,
    )
    from galedge.images.image import cutout, read
    from galedge.images.prepare import prepare
    from galedge.images.recipe import Recipe
    from galedge.tuning.tune import tune

__all__ = [
    "Blank",
    "Classifier",
    "GaledgeError",
    "ModelError",
    "OutputError",
    "ReadError",
    "Recipe",
    "Result",
    "TooLarge",
    "Truncated",
    "Unsupported",
    "__version__",
    "classify",
    "cutout",
    "prepare",
    "read",
    "tune",
]

_HOME = {
    "Classifier": "galedge.answers.classifier",
    "Recipe": "galedge.images.recipe",
    "Result": "galedge.answers.result",
    "classify": "galedge.answers.classifier",
    "cutout": "galedge.images.image",
    "prepare": "galedge.images.prepare",
    "read": "galedge.images.image",
    "tune": "galedge.tuning.tune",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'galedge' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME.get(name, "galedge.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
