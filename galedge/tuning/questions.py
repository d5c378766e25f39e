"""Questions: what a column of labels asks, by its cells: classes, yes or no, or a number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError
from galedge.tables.readtable import Column, is_missing
from galedge.tables.rows import Cell

__all__ = ["KINDS", "Question", "read_question", "texts_of"]

KINDS = ("classes", "yesno", "number")
"""What a column of labels may be."""

MOST = 30
"""Classes; a column of more different texts is one of names."""

_YES = {"yes": 1.0, "true": 1.0, "y": 1.0, "t": 1.0, "1": 1.0, "1.0": 1.0}
_NO = {"no": 0.0, "false": 0.0, "n": 0.0, "f": 0.0, "0": 0.0, "0.0": 0.0}
_FEW = 10  # different whole numbers are classes, more are a scale


@dataclass(frozen=True)
class Question:
    """One column of labels.

    Attributes
    ----------
    name : str
        The column's.
    kind : {"classes", "yesno", "number"}
    names : tuple of str
        Of classes, in order.
    values : ndarray of float64, shape (N,)
        A class's place, 1 for yes and 0 for no, or the number; NaN where there is no label.
    """

    name: str
    kind: str
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def said(self, value: float) -> str:
        """Return a label as the user wrote it, or nearly."""
        if self.kind == "classes":
            return self.names[int(value)]
        return ("no", "yes")[int(value)] if self.kind == "yesno" else f"{value:g}"


def texts_of(column: Column) -> list[str | None]:
    """Return a column's cells as texts, None where there is no value."""
    if column.texts is not None:
        return [None if text is None or is_missing(text) else text for text in column.texts]
    return [None if _is_nothing(cell) else str(cell) for cell in column.cells]


def _is_nothing(cell: Cell) -> bool:
    if isinstance(cell, float):
        return not math.isfinite(cell)
    return cell is None or (isinstance(cell, str) and is_missing(cell))


def read_question(path: str, name: str, column: Column, kind: str | None) -> Question:
    """Understand a column of labels, of a kind or of that which its cells tell.

    Raises
    ------
    GaledgeError
        If it holds no labels, or none that can be told apart.
    """
    cells = [None if _is_nothing(cell) else cell for cell in column.cells]
    texts = texts_of(column)
    known = [text for text in texts if text is not None]
    if not known:
        raise GaledgeError(f"{path}: {name}: holds no label; fill it, or choose by --column")
    kind = kind or _kind(known, [cell for cell in cells if cell is not None])
    if kind == "classes" and column.texts is not None:
        # What shows no ring is often called none, which elsewhere is no value.
        texts = [
            text if text and (text.lower() == "none" or not is_missing(text)) else None
            for text in column.texts
        ]
    make = {"classes": _classes, "yesno": _yesno, "number": _numbers}[kind]
    return make(f"{path}: {name}", name, texts)


def _kind(texts: list[str], cells: list[Cell]) -> str:
    """Tell what a column is by its cells."""
    if all(text.lower() in _YES | _NO for text in texts):
        return "yesno"
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    if len(numbers) < len(cells):
        return "classes"
    whole = all(float(number).is_integer() for number in numbers)
    return "classes" if whole and len(set(numbers)) <= _FEW else "number"


def _classes(where: str, name: str, texts: Sequence[str | None]) -> Question:
    count = Counter(text for text in texts if text is not None)
    names = tuple(sorted(count))
    if len(names) > MOST:
        raise GaledgeError(
            f"{where}: holds {len(names)} different texts, too many for classes; choose the "
            "columns of labels by --column"
        )
    if len(names) < 2:
        raise GaledgeError(f"{where}: says {names[0]!r} of all; label some of another class")
    if bad := [
        each for each in names if not re.fullmatch(r"[^;,\s\x00-\x1f][^;,\x00-\x1f]*", each)
    ]:
        raise GaledgeError(f"{where}: {bad[0]!r} cannot name a class; leave out ; and ,")
    places = {each: float(place) for place, each in enumerate(names)}
    return Question(name, "classes", names, _values(texts, places.__getitem__))


def _yesno(where: str, name: str, texts: Sequence[str | None]) -> Question:
    words = _YES | _NO
    wrong = next((text for text in texts if text and text.lower() not in words), None)
    if wrong is not None:
        raise GaledgeError(f"{where}: {wrong!r} is neither yes nor no")
    values = _values(texts, lambda text: words[text.lower()])
    if len(set(values[np.isfinite(values)])) < 2:
        said = "yes" if np.nanmax(values) else "no"
        raise GaledgeError(f"{where}: says {said} of all; label some otherwise, too")
    return Question(name, "yesno", ("no", "yes"), values)


def _numbers(where: str, name: str, texts: Sequence[str | None]) -> Question:
    try:
        values = _values(texts, float)
    except ValueError as error:
        raise GaledgeError(f"{where}: holds what is no number: {error}") from None
    if np.nanmin(values) == np.nanmax(values):
        raise GaledgeError(f"{where}: holds one number only; label some of another")
    return Question(name, "number", (), values)


def _values(texts: Sequence[str | None], of: Callable[[str], float]) -> NDArray[np.float64]:
    return np.array([math.nan if text is None else of(text) for text in texts], float)
