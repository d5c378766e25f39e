"""The recipe: everything that happens between pixels and tensor.

A model carries the recipe it was trained with in its card, so what the network
saw is what it gets. A recipe's hash goes into every result row as provenance.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from galedge.core.backend import _core, is_compiled

__all__ = ["Recipe", "framings"]


# Fields that came after the first models: what does as was done then, and as is best now.
_BEFORE: dict[str, Any] = {"sky": "level", "bridge": 0, "blanks": "nan", "knee": 0.0}
_LATEST: dict[str, Any] = {"sky": "plane", "bridge": 8, "blanks": "constant", "knee": 0.35}
_CHOICES = {"sky": ("level", "plane"), "blanks": ("nan", "constant")}


def framings() -> list[str]:
    """Return the framings that have a name; any number of pixels is one too."""
    return [name for name in _core.framings() if name != "PIXELS"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an image becomes the network's input.

    Parameters
    ----------
    size : int
        Side of the output in pixels; the tensor is (3, size, size). Every model has
        its own: `Classifier.recipe` (``hubble-1`` takes 72).
    framing : str or int
        One of ``docs/preparation.md``: ``"auto"`` finds the central source and
        frames it, ``"full"`` takes the largest centred square, a number takes a
        centred square of that many input pixels.
    margin : float
        Side of an automatic frame over the isophotal extent of the source.
    threshold : float
        Surface brightness of the framing isophote above the sky, in units of
        the noise of the smoothed image.
    softening : float
        Where the asinh stretch turns from linear to logarithmic, in units of
        the noise of an output pixel.
    white : float
        Quantile of the framed luminance that the asinh stretch maps to 1.
    stretch : str
        One of ``docs/preparation.md``; ``"asinh"`` is in units of the noise up to
        ``white``.
    q : float
        Softening parameter Q of Lupton's stretch.
    sky : {"level", "plane"}
        Whether the sky of linear data is level, or a plane that may slope.
    bridge : int
        Missing rows and columns of linear data of up to so many pixels are filled
        between their neighbours.
    blanks : {"nan", "constant"}
        What is missing: pixels that are not finite, or areas of one exact value too;
        the sky is then measured where pixels are valid, however few of the border are.
    knee : float
        What `softening` comes to is at least this share of the level that becomes white, 0..0.5:
        however deep an image is, its core does not grow as white as its arms.

    Notes
    -----
    Linear data (16-bit and wider integers, floats) are sky-subtracted, framed,
    resampled by area and stretched. 8-bit data are taken to be pictures that
    somebody already stretched: they are framed and resampled only.

    What a recipe does never changes: a field that came later has the value that does
    nothing new, and is left out of the JSON form and its hash as long as it has.
    `Recipe.latest` is the recipe of models to come.
    """

    size: int = 64
    framing: str | int = "auto"
    margin: float = 1.25
    threshold: float = 2.0
    softening: float = 8.0
    white: float = 0.995
    stretch: str = "asinh"
    q: float = 8.0
    sky: str = _BEFORE["sky"]
    bridge: int = _BEFORE["bridge"]
    blanks: str = _BEFORE["blanks"]
    knee: float = _BEFORE["knee"]

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 1024:
            raise ValueError(f"size must lie in 8..1024, not {self.size}")
        if not isinstance(self.framing, str):
            if self.framing < 1:
                raise ValueError(f"framing must be at least one pixel, not {self.framing}")
        elif self.framing not in (names := framings()):
            raise ValueError(
                f"framing must be one of {', '.join(names)} or a number of pixels, "
                f"not {self.framing!r}"
            )
        if not (self.margin > 0 and self.threshold > 0 and self.softening > 0):
            raise ValueError("margin, threshold and softening must be positive")
        if self.stretch not in (names := _core.stretches()):
            lacking = "" if is_compiled else "; a galedge with a compiled core may know it"
            raise ValueError(
                f"stretch must be one of {', '.join(names)}, not {self.stretch!r}{lacking}"
            )
        if not self.q > 0:
            raise ValueError(f"q must be positive, not {self.q}")
        if not 0.5 < self.white <= 1:
            raise ValueError(f"white must lie in (0.5, 1], not {self.white}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}"
                )
        if not 0 <= self.knee <= 0.5:
            raise ValueError(f"knee must lie in 0..0.5, not {self.knee}")
        if not 0 <= self.bridge <= 16:
            raise ValueError(f"bridge must lie in 0..16, not {self.bridge}")

    @classmethod
    def latest(cls, **fields: Any) -> Recipe:
        """Build a recipe that does what is known to be best today, for models to come."""
        return cls(**{**_LATEST, **fields})

    def replace(self, **changes: Any) -> Recipe:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as a plain dictionary."""
        # asdict would copy deeply, which every single image would pay for.
        fields = {name: getattr(self, name) for name in self.__slots__}
        for name, value in _BEFORE.items():
            if fields[name] == value:
                del fields[name]
        return fields

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Recipe:
        """Build a recipe from `to_json`'s dictionary.

        Raises
        ------
        ValueError
            If a field is unknown (made by a newer galedge) or out of range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise ValueError(f"unknown recipe fields {unknown}: made by a newer galedge?")
        return cls(**fields)

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON form (64 hexadecimal digits)."""
        import hashlib
        import json

        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
