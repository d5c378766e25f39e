"""Astropy's tables and images: answers as a `QTable` with units, UCDs and descriptions.

    from galedge.nights.adapters.astropy import classify_images, classify_table, qtable

    clf = galedge.Classifier()
    answers = qtable(clf.stream(["a.fits", "b.fits"]), clf)        # a QTable
    table = classify_table(sources, "file", clf)                    # a Table's rows with theirs
    night = classify_images([ccd, nddata, cutout], clf)             # a QTable
    ccd = with_answer(ccd, clf)                                     # a CCDData with GE... in meta

Columns and units are those of `galedge classify -o night.ecsv`; what is not known is masked.
`galedge adapters astropy IMAGE...` prints such a table as ECSV.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.answers.result import columns
from galedge.errors import GaledgeError
from galedge.nights.adapters import Adapter
from galedge.nights.cards import cards_of
from galedge.support.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result
    from galedge.tables.columns import Column

__all__ = ["ADAPTER", "Astropy", "classify_images", "classify_table", "qtable", "with_answer"]

_EMPTY: dict[str, Any] = {"text": "", "bool": False}  # below a mask


def qtable(results: Iterable[Result], classifier: Classifier) -> Any:
    """Return results as a table.

    Parameters
    ----------
    results : iterable of Result
    classifier : galedge.Classifier
        That gave them: it knows the columns, also where there is no result.

    Returns
    -------
    astropy.table.QTable
        One row a result. Columns with a unit are quantities; UCDs are in `info.meta`.
    """
    need("astropy", "tables", "galedge.nights.adapters.astropy")
    from astropy.table import QTable

    rows = [result.as_row() for result in results]
    made = QTable(
        meta={
            "creator": "galedge",
            "model": classifier.model.card.name,
            "recipe_sha256": classifier.model.card.recipe.sha256,
        }
    )
    for known in columns(classifier.heads):
        made[known.name] = _column(known, [row[known.name] for row in rows])
        info = made[known.name].info
        info.description = known.description or None
        info.format = known.digits
        info.meta = {"ucd": known.ucd} if known.ucd else None
    return made


def _column(known: Column, cells: Sequence[Any]) -> Any:
    import numpy as np
    from astropy import units
    from astropy.table import MaskedColumn
    from astropy.utils.masked import Masked

    kind = str if known.type == "text" else known.type
    empty = _EMPTY.get(known.type or "", 0)
    values = np.array([empty if cell is None else cell for cell in cells], dtype=kind)
    absent = np.array([cell is None for cell in cells], bool)
    if known.unit:
        quantity = units.Quantity(values, known.unit, dtype=values.dtype)
        return Masked(quantity, mask=absent) if absent.any() else quantity
    return MaskedColumn(values, mask=absent)


def classify_images(images: Iterable[Any], classifier: Classifier) -> Any:
    """Return the answers to NDData, CCDData, Cutout2D, HDUs, arrays, files, as a QTable."""
    return qtable(classifier.stream(images), classifier)


def classify_table(table: Any, column: str, classifier: Classifier) -> Any:
    """Return a table's rows, each with the answer to the image that one of its columns names.

    Parameters
    ----------
    table : astropy.table.Table
    column : str
        Of paths, or of whatever else `Classifier.classify` takes: a column of cutouts of
        shape (n, H, W) is n images. A masked path is an image that cannot be opened.
    classifier : galedge.Classifier

    Returns
    -------
    astropy.table.QTable
        The table's columns first; galedge's that have a name of theirs are called
        ``galedge_...``.

    Raises
    ------
    GaledgeError
        If there is no such column.
    """
    from galedge.images.inputs import Rejected

    if column not in table.colnames:
        raise GaledgeError(
            f"the table has no column {column!r}; it has {', '.join(table.colnames)}"
        )

    def source(cell: Any) -> Any:
        if getattr(cell, "mask", None) is True or type(cell).__name__ == "MaskedConstant":
            return Rejected("", f"the cell of {column!r} is masked")
        return str(cell) if isinstance(cell, str) else cell

    answers = classify_images(map(source, table[column]), classifier)
    from astropy.table import QTable

    made = QTable(table, copy=True)
    for name in answers.colnames:
        made[f"galedge_{name}" if name in made.colnames else name] = answers[name]
    made.meta = {**table.meta, **answers.meta}
    return made


def with_answer(image: Any, classifier: Classifier) -> Any:
    """Return a copy of NDData or CCDData whose `meta` has the answer's cards, GECLASS and on.

    What cannot be classified has the reason in GEERROR.
    """
    import copy

    (result,) = classifier.classify([image])
    made = copy.copy(image)
    made.meta = copy.copy(image.meta)
    for card in cards_of(result):
        # Headers take a comment; other mappings have no place for it.
        made.meta[card.keyword] = (card.value, card.comment) if _is_header(made) else card.value
    return made


def _is_header(image: Any) -> bool:
    return hasattr(image.meta, "cards")


class Astropy:
    """The answers as a table that astropy reads."""

    about: ClassVar[str] = "astropy: QTables with units and UCDs; NDData, CCDData and Tables in"
    packages: ClassVar[tuple[str, ...]] = ("astropy",)
    install: ClassVar[str] = "pip install 'galedge[tables]'"

    @staticmethod
    def tell(result: Result) -> str:
        """Return the columns that have a value, a line each."""
        row = result.as_row()
        return "\n".join(
            f"{column.name} = {row[column.name]} {column.unit}".rstrip()
            for column in columns(result.heads)
            if row[column.name] not in (None, "")
        )

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield one table of all images, as ECSV."""
        from galedge.images.inputs import find

        table = classify_images(find(paths), classifier)
        text = io.StringIO()
        table.write(text, format="ascii.ecsv")
        yield text.getvalue().rstrip("\n"), all(table["status"] == "ok")


ADAPTER: type[Adapter] = Astropy
