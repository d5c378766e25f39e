"""A result: what galedge says about one galaxy, as an object and as a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from galedge.tables.cells import float_or_none
from galedge.tables.columns import COLUMNS, Column
from galedge.tables.rows import Cell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from galedge.images.appearance import Appearance
    from galedge.images.facts import Facts
    from galedge.network.heads import Answer, Head, Heads

__all__ = ["Result", "answered", "columns", "failed"]


@dataclass(frozen=True, slots=True, repr=False)
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
    answers : tuple of tuple
        What each of the model's heads says: the cells of its columns, None where
        there is no answer. `label` and the like read them.
    flags : tuple of str
        What may spoil the answer.
    sky, noise : float or None
        Sky level and its standard deviation per pixel, in the file's units.
    masked_fraction : float or None
        Share of the frame without valid pixels, 0 to 1.
    sharpness, colour_red, colour_blue, tilt_x, tilt_y : float or None
        How the picture looks that the network saw; see `galedge.images.appearance`.
    status : {"ok", "error"}
        With ``"error"`` every number but `hdu` is None.
    error : str or None
        Why there is no answer.
    model, model_sha256, engine, precision, recipe_sha256, version : str
        What made the answer: the model's name, the hash of its network, what ran
        it and in which precision, the hash of the recipe, and galedge's version.
    heads : Heads
        What answered.
    pixels : ndarray of uint8, shape (3, S, S), or None
        What the network saw, if the classifier was told to keep it.
    embedding : ndarray of float32, shape (D,), or None
        The numbers that say what the image is like, if the classifier was told to keep them.
    upwards : bool
        Whether viewers show the image's first row, and that of `pixels`, at the bottom.
    handedness : {"sky", "file", "assumed", ""}
        What answers that depend on it, as the sense of spiral arms, go by: the
        header's coordinates; the order of rows that the file's format or header
        gives; of arrays neither: the first row is then taken to be the lowest,
        unless it is a picture of 8 bits.
    """

    path: str
    hdu: int | None
    x: float | None
    y: float | None
    ra: float | None
    dec: float | None
    object: str | None
    date_obs: str | None
    answers: tuple[Answer, ...]
    flags: tuple[str, ...]
    sky: float | None
    noise: float | None
    masked_fraction: float | None
    sharpness: float | None
    colour_red: float | None
    colour_blue: float | None
    tilt_x: float | None
    tilt_y: float | None
    status: str
    error: str | None
    model: str
    model_sha256: str
    engine: str
    precision: str
    recipe_sha256: str
    version: str
    heads: Heads = field(compare=False)
    pixels: NDArray[np.uint8] | None = field(default=None, compare=False)
    embedding: NDArray[np.float32] | None = field(default=None, compare=False)
    upwards: bool = field(default=False, compare=False)
    handedness: str = field(default="", compare=False)

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.error is None

    def answer(self, head: str) -> dict[str, Cell]:
        """Return what a head says, by column.

        Raises
        ------
        KeyError
            If the model has no such head.
        """
        for each, cells in zip(self.heads, self.answers, strict=True):
            if each.name == head:
                return dict(zip(each.column_names, cells, strict=True))
        raise KeyError(head)

    def _cells(self, head: Head | None) -> Answer | None:
        for each, cells in zip(self.heads, self.answers, strict=True):
            if each is head:
                return cells
        return None

    @property
    def label(self) -> str | None:
        """The most probable class of the primary head."""
        cells = self._cells(self.heads.classes)
        return None if cells is None or cells[0] is None else str(cells[0])

    @property
    def probability(self) -> float | None:
        """Its calibrated probability."""
        cells = self._cells(self.heads.classes)
        return None if cells is None else _float(cells[1])

    @property
    def probabilities(self) -> Mapping[str, float | None]:
        """The same for every class."""
        head = self.heads.classes
        cells = self._cells(head)
        if head is None or cells is None:
            return {}
        return dict(zip(head.names, map(_float, cells[-len(head.names) :]), strict=True))

    @property
    def label_set(self) -> tuple[str, ...]:
        """The classes of its label set, the most probable first; empty where there is none."""
        head = self.heads.classes
        cells = self._cells(head)
        if head is None or cells is None or not head.least or cells[2] is None:
            return ()
        return tuple(str(cells[2]).split(";"))

    @property
    def t_type(self) -> float | None:
        """The primary quantity: of the shipped model de Vaucouleurs' T-type, -6 to 11."""
        cells = self._cells(self.heads.quantity)
        return None if cells is None else _float(cells[0])

    @property
    def t_type_error(self) -> float | None:
        """Its standard error."""
        cells = self._cells(self.heads.quantity)
        return None if cells is None else _float(cells[1])

    @property
    def features(self) -> Mapping[str, float | None]:
        """Probability of each of the primary labels: of a bar, of spiral arms, and so on."""
        head = self.heads.labels
        cells = self._cells(head)
        if head is None or cells is None:
            return {}
        return dict(zip(head.names, map(_float, cells), strict=True))

    def withheld(self, *flags: str) -> Result:
        """Return the result without labels and numbers, for what the model does not speak of.

        Probabilities of classes stay, as what they would be if it did. `flags` say why.
        """
        return replace(self, answers=self.heads.withheld(self.answers), flags=self.flags + flags)

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: `columns` with their values, flags joined by ';'."""
        names = *_BEFORE, *self.heads.column_names, *_AFTER
        cells = *_before(self), *chain.from_iterable(self.answers), *_after(self)
        row: dict[str, Cell] = dict(zip(names, cells, strict=True))
        row["flags"] = ";".join(self.flags)
        return row

    def __repr__(self) -> str:
        told = (
            f"{name}={cell!r}" for name, cell in self.as_row().items() if cell not in (None, "")
        )
        return f"Result({', '.join(told)})"


def _float(cell: Cell) -> float | None:
    return cell if isinstance(cell, float) else None


# The fields on either side of the columns that depend on the model's heads.
_NO_COLUMNS = {"heads", "pixels", "embedding", "upwards", "handedness"}
_FIELDS = tuple(each.name for each in fields(Result) if each.name not in _NO_COLUMNS)
_AT = _FIELDS.index("answers")
_BEFORE, _AFTER = _FIELDS[:_AT], _FIELDS[_AT + 1 :]
_before, _after = attrgetter(*_BEFORE), attrgetter(*_AFTER)


# Of a galaxy that was not classified.
_UNKNOWN: dict[str, Any] = dict.fromkeys(
    (
        *("x", "y", "ra", "dec", "object", "date_obs", "sky", "noise", "masked_fraction"),
        *("sharpness", "colour_red", "colour_blue", "tilt_x", "tilt_y"),
    )
)


def answered(
    facts: Facts,
    appearance: Appearance,
    answers: tuple[Answer, ...],
    flags: tuple[str, ...],
    made_by: Mapping[str, Any],
) -> Result:
    """Return the result of an image that was classified."""
    return Result(
        path=facts.path,
        hdu=facts.hdu,
        x=float_or_none(facts.x),
        y=float_or_none(facts.y),
        ra=float_or_none(facts.ra),
        dec=float_or_none(facts.dec),
        object=facts.object or None,
        date_obs=facts.date_obs or None,
        answers=answers,
        flags=flags,
        sky=float_or_none(facts.sky),
        noise=float_or_none(facts.noise),
        masked_fraction=float_or_none(facts.masked_fraction),
        **appearance._asdict(),
        status="ok",
        error=None,
        upwards=facts.upwards,
        handedness=facts.handedness,
        **made_by,
    )


def failed(
    path: str,
    error: str,
    nothing: tuple[Answer, ...],
    made_by: Mapping[str, Any],
    hdu: int | None = None,
    flags: tuple[str, ...] = (),
) -> Result:
    """Return the result of an image that was not; `nothing` is what its heads say."""
    return Result(
        path=path,
        hdu=hdu,
        answers=nothing,
        flags=flags,
        status="error",
        error=error,
        **_UNKNOWN,
        **made_by,
    )


def columns(heads: Heads) -> list[Column]:
    """Return the columns of a row for a model's heads, in order."""
    before, after = ([COLUMNS[name] for name in names] for names in (_BEFORE, _AFTER))
    return [*before, *heads.columns, *after]
