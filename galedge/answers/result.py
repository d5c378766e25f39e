"""A result: what galedge says about one galaxy, as an object and as a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from galedge.tables.rows import Cell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Result", "columns"]


@dataclass(frozen=True, slots=True)
class Result:
    """What galedge says about one galaxy, or why it says nothing.

    Attributes
    ----------
    path : str
        The file as it was named; empty for an array.
    hdu : int or None
        Index of the HDU that was read; None if the file has none.
    x, y : float or None
        Centre of the frame in pixels; the first pixel's centre is (0, 0).
    ra, dec : float or None
        The same in degrees (ICRS), if the header says how.
    object, date_obs : str or None
        From the header.
    label : str or None
        The most probable class.
    probability : float or None
        Its calibrated probability.
    probabilities : mapping of str to float or None
        The same for every class.
    t_type, t_type_error : float or None
        De Vaucouleurs T-type (-6 to 11) and its standard error.
    flags : tuple of str
        What may spoil the answer.
    sky, noise : float or None
        Sky level and its standard deviation per pixel, in the file's units.
    masked_fraction : float or None
        Share of the frame without valid pixels, 0 to 1.
    status : {"ok", "error"}
        With ``"error"`` every number above but `hdu` is None.
    error : str or None
        Why there is no answer.
    model, model_sha256, recipe_sha256, version : str
        What made the answer: the model's name, the hash of its network, the
        hash of the recipe, and galedge's version.
    features : mapping of str to float or None
        Probability of a bar, of spiral arms, and so on: those the model tells.
        ``clockwise`` is the sense of the arms, with a picture's first row on
        top and a FITS image's first row at the bottom, as viewers show them.
    pixels : ndarray of uint8, shape (3, S, S), or None
        What the network saw, if the classifier was told to keep it.
    """

    path: str
    hdu: int | None
    x: float | None
    y: float | None
    ra: float | None
    dec: float | None
    object: str | None
    date_obs: str | None
    label: str | None
    probability: float | None
    probabilities: Mapping[str, float | None]
    t_type: float | None
    t_type_error: float | None
    flags: tuple[str, ...]
    sky: float | None
    noise: float | None
    masked_fraction: float | None
    status: str
    error: str | None
    model: str
    model_sha256: str
    recipe_sha256: str
    version: str
    features: Mapping[str, float | None] = field(default_factory=dict)
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.error is None

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: `columns` with their values, flags joined by ';'."""
        row: dict[str, Cell] = dict(zip(_BEFORE, _before(self), strict=True))
        row.update((f"p_{label}", p) for label, p in self.probabilities.items())
        row.update(zip(_AFTER, _after(self), strict=True))
        row.update((f"p_{name}", p) for name, p in self.features.items())
        row["flags"] = ";".join(self.flags)
        return row


# The fields on either side of the columns that depend on the model's classes.
_FIELDS = tuple(each.name for each in fields(Result) if each.name not in ("features", "pixels"))
_AT = _FIELDS.index("probabilities")
_BEFORE, _AFTER = _FIELDS[:_AT], _FIELDS[_AT + 1 :]
_before, _after = attrgetter(*_BEFORE), attrgetter(*_AFTER)


def columns(classes: Iterable[str], features: Iterable[str] = ()) -> list[str]:
    """Return the names of a row's columns for a model's classes and features, in order."""
    probabilities = [f"p_{label}" for label in classes]
    return [*_BEFORE, *probabilities, *_AFTER, *(f"p_{name}" for name in features)]
