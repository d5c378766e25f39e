"""Pictures on a page to label on, all or the most useful: what `label` runs."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import click
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Writing
    from galedge.cli.where import Where
    from galedge.images.inputs import Rejected

__all__ = ["Asking"]


class Asking:
    """Asks for labels of what a user named.

    Parameters
    ----------
    classifier : Classifier
        Which keeps embeddings.
    where : Where
    asked : mapping of str to list of str
        Columns and their classes; empty for the model's.
    labels : str, optional
        A table of labels there are already.
    """

    def __init__(
        self,
        classifier: Classifier,
        where: Where,
        asked: Mapping[str, list[str]],
        labels: str | None,
    ) -> None:
        from galedge.answers.asking import columns_asked
        from galedge.answers.featured import SIDE, feature_column
        from galedge.answers.result import columns
        from galedge.cli.survey import rows_of
        from galedge.tables.labelpage import read_labels

        self._classifier, self._where = classifier, where
        self._begin = None if labels is None else read_labels(labels)
        self._asked = dict(asked)
        if not self._asked and self._begin is not None:
            self._asked = _classes_of(self._begin.names, self._begin.rows)
        if not self._asked:
            first = classifier.heads.classes
            if first is None:
                raise click.UsageError("the model tells no classes; say what to ask with --ask")
            self._asked = {"label": list(first.names)}
        self._answers = columns_asked(classifier.heads, self._asked)
        self._known_here = bool(self._answers)
        if not self._answers:  # an order of doubt there is all the same, by what it does know
            self._answers = columns_asked(classifier.heads, ["label"])
        head = classifier.model.heads.embedding
        assert head is not None
        more = [SIDE] * where.in_frames + [feature_column(head.size)]
        self._rows = rows_of(classifier, [*columns(classifier.heads), *more], where)
        self._size = head.size

    def write(
        self, writing: Writing, suggest: int | None, *, shown: bool, fit: bool = False
    ) -> None:
        """Write the page, of all pictures or of the most useful ones.

        With `fit` the answers go by the shares of classes that they tell themselves.
        """
        from galedge.answers.asking import ORDERS, orders
        from galedge.answers.featured import Featured
        from galedge.cli.load import fitting, provenance
        from galedge.cli.run import command_line, tabulate
        from galedge.tables.labelpage import LabelPage

        if suggest is not None and not self._known_here:
            raise click.UsageError(
                f"--suggest: the model {self._classifier.model.card.name} answers none of "
                f"{', '.join(self._asked)}; name by --model what galedge tune made of labels so far"
            )
        about = provenance(self._classifier) | {"command": command_line()}

        answered: Callable[[list[str | Rejected]], Any] = self._rows.stream
        if fit:
            answered = fitting(self._classifier, about, writing.quiet, self._rows.stream)

        def ordered(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
            return orders(self._answers, rows, self._vectors(rows))

        def stream(found: list[str | Rejected]) -> Iterator[Any]:
            if suggest is not None:
                return self._suggested(found, suggest)
            return map(Featured, answered(found))

        assert writing.gallery is not None
        page = LabelPage(
            writing.gallery,
            self._rows.columns,
            about,
            asked=self._asked,
            orders=ordered,
            order_names=ORDERS,
            begin=self._begin,
            shown=shown,
        )
        noun = self._rows.noun if suggest is None else "suggestion"
        tabulate(
            self._where.searched, writing, self._rows.columns, stream, "shown", noun=noun, page=page
        )

    def _suggested(self, found: list[str | Rejected], number: int) -> Iterator[Any]:
        """Yield the most useful rows, and those that were rejected."""
        from galedge.answers.asking import doubt, useful
        from galedge.answers.featured import Featured
        from galedge.frames.again import again

        rows = []
        known = self._known()
        for result in map(Featured, self._rows.stream(found)):
            if result.error is not None:
                yield result
                continue
            row = result.as_row()
            if _key(row, row.get("side") is not None) not in known:
                rows.append(row)
        if not rows:
            return
        vectors = self._vectors(rows)
        chosen = useful(doubt(self._answers, rows), vectors, number)
        seeing = copy(self._classifier)
        seeing.keep_pixels = True
        yield from map(Featured, again(seeing, [rows[i] for i in chosen]))

    def _known(self) -> set[tuple[str, ...]]:
        """Return which pictures have a label of every kind that is asked."""
        rows = () if self._begin is None else self._begin.rows
        return {
            _key(row | {"path": row["file"]}, "side" in row)
            for row in rows
            if all(name in row for name in self._asked)
        }

    def _vectors(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        vectors = np.full((len(rows), self._size), np.nan, np.float32)
        for vector, row in zip(vectors, rows, strict=True):
            if row["embedding"] is not None:
                vector[:] = row["embedding"]
        return vectors


def _key(row: Mapping[str, Any], in_frame: bool) -> tuple[str, ...]:
    """Return what tells pictures apart: the file, and in a frame the place, to 0.1 pixel."""
    if not in_frame:
        return (str(row["path"]),)
    places = (f"{float(row[name]):.1f}" for name in ("x", "y") if row.get(name) is not None)
    return (str(row["path"]), *places)


def _classes_of(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the classes that labels have, by column."""
    found = {name: sorted({row[name] for row in rows if name in row}) for name in names}
    return {name: classes for name, classes in found.items() if classes}
