"""Catalogues that name galaxies and their files, as other classifiers take them, and CSV back."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from galedge.answers.paired import paired
from galedge.answers.result import columns
from galedge.errors import GaledgeError
from galedge.tables.cells import plain, rounded

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["answers", "line", "numbers", "read", "told"]


def read(path: str, names: Sequence[str], folder: str | None = None) -> Iterator[tuple[str, ...]]:
    """Yield rows of some of a catalogue's columns as text, the last of which is a file's path.

    Parameters
    ----------
    path : str
        A table that galedge reads.
    names : sequence of str
        Columns; one whose name ends with ``?`` may be missing, and is empty then.
    folder : str, optional
        Where files lie that are named without their folder. Default: where they are found
        from here, or else beside the catalogue.

    Raises
    ------
    GaledgeError
        If the table cannot be read or lacks a column.
    """
    from galedge.tables.readtable import read_table

    table = read_table(path, [name for name in names if not name.endswith("?")])
    cells: list[Sequence[Any]] = []
    for name in names:
        column = table.columns.get(name.rstrip("?"))
        if column is None and not name.endswith("?"):
            raise GaledgeError(
                f"{path}: has no column {name!r}; it has {', '.join(table.columns) or 'none'}"
            )
        # What is a number to one reader is a name here: 007.
        found = [] if column is None else column.texts or column.cells
        cells.append(found if column is not None else [None] * len(table))
    beside = os.path.dirname(path)
    for row in zip(*cells, strict=True):
        *others, file = ("" if cell is None else str(cell) for cell in row)
        if folder is not None:
            file = os.path.join(folder, file) if file else ""
        elif file and not os.path.exists(file) and os.path.exists(os.path.join(beside, file)):
            file = os.path.join(beside, file)
        yield (*others, file)


def answers(
    classifier: Classifier, rows: Iterator[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Result]]:
    """Return each row of `read` with the answer to its file."""
    from galedge.images.inputs import Rejected

    nothing = Rejected("", "the catalogue names no file")
    return paired(classifier, ((row, row[-1] or nothing) for row in rows))


def numbers(result: Result) -> list[Any]:
    """Return the cells of the heads' numbers, as a table prints them; None where there is none."""
    row = result.as_row()
    return [rounded(plain(row[c.name]), c.digits) for c in told(result.heads)]


def told(heads: Any) -> list[Any]:
    """Return the columns of numbers that a model's heads tell."""
    own = {name for head in heads for name in head.column_names}
    return [c for c in columns(heads) if c.name in own and c.type != "text" and not c.length]


def line(cells: Sequence[Any]) -> str:
    """Return a line of CSV, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()
