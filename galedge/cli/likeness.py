"""Rows of a table of features that are like an image, or like none: what `similar` runs."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from galedge.errors import GaledgeError, ModelError
from galedge.support.say import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Reading, Running, Writing
    from galedge.cli.where import Where
    from galedge.images.inputs import Rejected
    from galedge.tables.columns import Column
    from galedge.tables.features import Features
    from galedge.tables.rows import Cell

__all__ = ["Likeness"]


@dataclass(frozen=True)
class _Row:
    """A row, and the thumbnail that goes with it."""

    cells: Mapping[str, Cell]
    pixels: Any = None
    upwards: bool = False

    @property
    def path(self) -> str:
        return str(self.cells.get("path") or "")

    @property
    def error(self) -> str | None:
        error = self.cells.get("error")
        return None if error is None else str(error)

    def as_row(self) -> dict[str, Any]:
        return dict(self.cells)


class Likeness:
    """Compares images with a table of features, or its rows with each other.

    Attributes
    ----------
    columns : list of Column
        ``query``, ``rank`` and ``distance``, then those of the table.
    about : dict of str to str
        What makes the rows.
    """

    def __init__(
        self, features: Features, reading: Reading, running: Running, writing: Writing
    ) -> None:
        from galedge.answers.result import columns
        from galedge.cli.load import load_classifier, provenance

        self._features = features
        self._thumbnails = writing.gallery is not None
        made_by = _provenance(features)
        if running.model is None:
            running = replace(running, model=made_by.get("model"))
        if running.precision is None and made_by.get("precision") in ("int8", "fp32"):
            running = replace(running, precision=made_by["precision"])
        try:
            self._classifier = load_classifier(
                reading,
                running,
                quiet=writing.quiet,
                keep_pixels=self._thumbnails,
                keep_embedding=True,
            )
        except ModelError as error:
            raise ModelError(
                f"{printable(features.path)}: made by the model {running.model}: {error}; "
                "name its bundle with --model"
            ) from error
        _refuse_others(features, self._classifier, made_by)
        self.about = provenance(self._classifier) | {"among": features.path}
        known = {column.name: column for column in columns(self._classifier.heads)}
        self.columns: list[Column] = _columns(features.names, known)

    def near(self, files: Iterable[str | Rejected], number: int, where: Where) -> Iterator[_Row]:
        """Yield each query, and behind it what is nearest; of frames each source is a query."""
        import numpy as np

        from galedge.answers.neighbours import nearest
        from galedge.answers.result import columns
        from galedge.cli.survey import rows_of

        each = rows_of(self._classifier, columns(self._classifier.heads), where)
        stream: Iterable[Any] = each.stream(files)
        for shown in stream:
            result = getattr(shown, "result", shown)  # of a source
            query = result.path
            if shown is not result and shown.x == shown.x:  # a source, not a frame without one
                query += f" {result.object or f'{shown.x:.1f},{shown.y:.1f}'}"
            row = shown.as_row()
            asked = {"query": query, "rank": 0, "distance": 0.0 if result.ok else None}
            whole = dict.fromkeys(self._features.names) | row | asked
            yield _Row(self._only(whole), result.pixels, result.upwards)
            if result.embedding is None:
                continue
            # One more: an image of the table is no neighbour of itself.
            rows, distances = nearest(
                result.embedding[np.newaxis], self._features.vectors, number + 1
            )
            yield from self._rows(rows[0], distances[0], number, (query, result.path))

    def odd(self, number: int) -> Iterator[_Row]:
        """Yield the least typical rows."""
        import numpy as np

        from galedge.answers.neighbours import oddness

        away = oddness(self._features.vectors)
        order = np.argsort(np.where(np.isfinite(away), -away, np.inf), kind="stable")
        order = order[np.isfinite(away[order])][:number]
        yield from self._rows(order, away[order], number)

    def _rows(
        self,
        numbers: Iterable[int],
        distances: Iterable[float],
        count: int,
        asked: tuple[str, str] | None = None,
    ) -> Iterator[_Row]:
        from galedge.frames.again import again

        found: list[dict[str, Cell]] = []
        query, itself = asked or (None, None)
        rows = self._features.take([int(number) for number in numbers])
        for row, distance in zip(rows, distances, strict=True):
            if itself is not None and row.get("path") == itself and distance < _SAME:
                continue
            of = {"query": query, "rank": len(found) + 1, "distance": float(distance)}
            found.append(self._only(row | of))
        found = found[:count]
        if not self._thumbnails:
            yield from map(_Row, found)
            return
        for cells, seen in zip(found, again(self._classifier, found), strict=True):
            yield _Row(cells, seen.pixels, seen.upwards)

    def _only(self, row: Mapping[str, Any]) -> dict[str, Cell]:
        return {column.name: row[column.name] for column in self.columns}


_SAME = 1e-3  # of an image with itself, which another engine may have embedded


def _columns(names: Sequence[str], known: Mapping[str, Column]) -> list[Column]:
    from galedge.tables.columns import COLUMNS, Column

    own = [
        Column("query", "text", description="image that this is like"),
        Column("rank", "int32", description="1 is the nearest; 0 the query itself"),
        Column("distance", "float32", "%.5g", description="of the embeddings, or from the usual"),
    ]
    taken = {column.name for column in own}
    about = ChainMap(dict(known), COLUMNS)
    return own + [about.get(name, Column(name)) for name in names if name not in taken]


def _provenance(features: Features) -> dict[str, str]:
    """Return what made the features, by the first row that has any."""
    import numpy as np

    first = int(np.flatnonzero(np.isfinite(features.vectors).all(axis=1))[0])
    (row,) = features.take([first])
    return {name: str(cell) for name, cell in row.items() if cell is not None}


def _refuse_others(features: Features, classifier: Classifier, made_by: Mapping[str, str]) -> None:
    """Refuse to compare embeddings of two networks, or of two recipes."""
    here = {"model_sha256": classifier.model.sha256, "recipe_sha256": classifier.recipe.sha256}
    for name, digest in here.items():
        other = made_by.get(name)
        if other is not None and other != digest:
            what = "network" if name == "model_sha256" else "recipe or --frame"
            raise GaledgeError(
                f"{printable(features.path)}: made with another {what} than this of "
                f"{classifier.model.card.name}, {classifier.model.choice.precision}, and only "
                "embeddings of one can be compared: name the model that made it with --model, or "
                "run galedge embed again"
            )
    head = classifier.model.heads.embedding
    assert head is not None
    if features.vectors.shape[1] != head.size:
        raise GaledgeError(
            f"{printable(features.path)}: has embeddings of {features.vectors.shape[1]} numbers, "
            f"not {head.size} as {classifier.model.card.name}: run galedge embed again"
        )
