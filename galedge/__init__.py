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
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from galedge._version import __version__

if TYPE_CHECKING:
    from galedge.classify import Classifier, classify
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
    from galedge.image import cutout, read
    from galedge.prepare import prepare
    from galedge.recipe import Recipe
    from galedge.result import Result

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
]

_HOME = {
    "Classifier": "galedge.classify",
    "Recipe": "galedge.recipe",
    "Result": "galedge.result",
    "classify": "galedge.classify",
    "cutout": "galedge.image",
    "prepare": "galedge.prepare",
    "read": "galedge.image",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'galedge' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME.get(name, "galedge.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """A package whose public functions are not shadowed by their modules.

    ``galedge.prepare`` is a function that lives in a module of the same name,
    and so is ``galedge.classify``. Importing such a module binds it on the
    package, which would make ``galedge.prepare(...)`` depend on who imported
    what before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
