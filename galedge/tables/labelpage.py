"""A page on which people label: thumbnails by the thousand, keys for classes, a CSV at the end.

It is a gallery with another template, and with three things more: what is asked, in which
orders it may be asked, and which labels there are already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from galedge.tables.cells import visible
from galedge.tables.columns import Column
from galedge.tables.gallery import Gallery
from galedge.tables.readtable import is_missing, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LabelPage", "Labelled", "read_labels"]

#: Columns that tell which picture a label is of, beside its file: an HDU, a place in a frame.
PLACE = ("hdu", "x", "y", "side")

Orders = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Sequence[int]]]
"""Returns the rows' numbers in orders by name, each first what is to be asked first."""


class Labelled(NamedTuple):
    """Labels that somebody gave: by column, file and place."""

    names: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


class LabelPage(Gallery):
    """Writes a page to label on; see `Gallery`.

    Parameters
    ----------
    path : str or path
    columns : sequence of str or Column
    about : mapping of str to str
    asked : mapping of str to sequence of str
        Label columns, and the classes of each.
    orders : function
        Called with all rows when the page is complete, see `Orders`.
    order_names : mapping of str to str
        What each order begins with.
    begin : Labelled, optional
        Labels there are already.
    shown : bool
        Whether answers stand beside the pictures at first.
    """

    template: ClassVar[str] = "label.html"
    side: ClassVar[int] = 96

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Sequence[str | Column],
        about: Mapping[str, str],
        *,
        asked: Mapping[str, Sequence[str]],
        orders: Orders,
        order_names: Mapping[str, str],
        begin: Labelled | None = None,
        shown: bool = True,
    ) -> None:
        super().__init__(path, columns, about)
        self._asked, self._orders, self._begin, self._shown = asked, orders, begin, shown
        self._order_names = order_names
        self._all: list[Mapping[str, Any]] = []

    def add(
        self, row: Mapping[str, Any], pixels: NDArray[np.uint8] | None, upwards: bool = False
    ) -> None:
        """Add a galaxy; what is rejected cannot be labelled, and is left out."""
        if row.get("status") == "error":
            return
        self._all.append(row)
        super().add(row, pixels, upwards)

    def _page(self) -> dict[str, Any]:
        orders = self._orders(self._all)
        begin = () if self._begin is None else self._begin.rows
        return super()._page() | {
            "asked": [
                {"name": visible(name), "classes": [visible(label) for label in classes]}
                for name, classes in self._asked.items()
            ],
            "orders": {name: [int(i) for i in order] for name, order in orders.items()},
            "order_names": dict(self._order_names),
            "place": list(PLACE) if any(r.get("side") is not None for r in self._all) else [],
            "begin": [
                {visible(name): visible(cell) for name, cell in row.items()} for row in begin
            ],
            "shown": self._shown,
        }


def read_labels(path: str | os.PathLike[str]) -> Labelled:
    """Read labels as the page exports them, and `galedge tune` takes them.

    Raises
    ------
    ReadError
        If it is no table, or has no column ``file`` or ``path``.
    """
    from galedge.errors import ReadError

    path = os.fspath(path)
    table = read_table(path)
    file = next((name for name in ("file", "path") if name in table.columns), None)
    if file is None:
        raise ReadError(f"{path}: has no column file; give a table as galedge label exports it")
    names = tuple(name for name in table.columns if name != file and name not in PLACE)
    columns = {
        name: [None if cell is None else str(cell) for cell in (column.texts or column.cells)]
        for name, column in table.columns.items()
    }
    rows = []
    for cells in zip(*columns.values(), strict=True):
        row = dict(zip(columns, cells, strict=True))
        row["file"] = row.pop(file)
        rows.append({k: cell for k, cell in row.items() if cell and not is_missing(cell)})
    return Labelled(names, tuple(row for row in rows if "file" in row))
