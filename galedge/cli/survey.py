"""Rows of the sources of frames: what `classify --catalog` and `--detect` run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from galedge.answers.bands import Group
    from galedge.answers.classifier import Classifier
    from galedge.cli.where import Where
    from galedge.frames.field import Placed
    from galedge.frames.frame import Frame
    from galedge.frames.sources import Catalogue, Sources
    from galedge.images.header import HduName
    from galedge.images.inputs import Rejected
    from galedge.tables.columns import Column
    from galedge.tables.rows import Cell, Row

__all__ = ["Rows", "Survey", "carried", "rows_of"]


def carried(names: Iterable[str], kept: Iterable[str]) -> dict[str, str]:
    """Return what the kept columns of a list are called behind those of a result.

    No two names differ by case only: FITS, SQL and some file systems know none.
    """
    taken = {name.lower() for name in names}
    found = {}
    for name in kept:
        new, number = name if name.lower() not in taken else f"cat_{name}", 1
        stem = new
        while new.lower() in taken:
            number += 1
            new = f"{stem}_{number}"
        taken.add(new.lower())
        found[new] = name
    return found


class Rows(NamedTuple):
    """Rows to come of what a user named: their columns, what gives them, what one is of."""

    columns: list[Column]
    stream: Callable[[Iterable[str | Rejected]], Iterable[Row]]
    noun: str


def rows_of(classifier: Classifier, columns: Sequence[Column], where: Where) -> Rows:
    """Return how rows come of images, of images in three bands, or of the sources of frames."""
    from galedge.answers.bands import classify_groups

    if where.in_frames:
        survey = Survey(classifier, columns, where)
        return Rows(survey.columns, survey.rows, "source")
    if where.bands is not None:
        return Rows(
            list(columns), lambda found: classify_groups(classifier, where.groups(found)), "object"
        )
    return Rows(list(columns), classifier.stream, "image")


class Survey:
    """Classifies the sources of one frame after another.

    Attributes
    ----------
    columns : list of Column
        Those of a result, with those of frames among them, then those kept of the list.
    drawn : list of Placed
        With `remembers`, the rows so far.
    frame : Frame or None
        With `remembers`, the last.
    complete : bool
        Whether all rows came.
    """

    def __init__(
        self,
        classifier: Classifier,
        columns: Sequence[Column],
        where: Where,
        *,
        remembers: bool = False,
    ) -> None:
        from galedge.frames.points import seen_columns
        from galedge.tables.columns import Column

        columns = seen_columns(list(columns))
        self._classifier = classifier
        self._where = where
        self._catalogue = where.read()
        self._kept: dict[str, str] = {}
        if where.keep and self._catalogue is not None:
            self._kept = carried((column.name for column in columns), self._catalogue.columns)
        # Whatever they are called, they are not galedge's: their values say what they are.
        self.columns = [*columns, *map(Column, self._kept)]
        self._remembers = remembers
        self.drawn: list[Placed] = []
        self.frame: Frame | None = None
        self.complete = False

    def rows(self, files: Iterable[str | Rejected]) -> Iterator[Placed]:
        """Yield the rows of each frame in turn."""
        for group in self._where.groups(files):
            for placed in self.of(group):
                if self._remembers:
                    self.drawn.append(placed)
                yield placed
        self.complete = True

    def of(self, group: Group | Rejected) -> Iterator[Placed]:
        """Yield the rows of one file; a single one if it cannot be read, or holds no source."""
        none = True
        for placed in self._of_each(group):
            none = False
            yield placed
        if none:
            yield self.rejected(group.path, "no source was found")

    def _of_each(self, group: Group | Rejected) -> Iterator[Placed]:
        from galedge.images.inputs import Rejected
        from galedge.images.parts import ALL, Part, parts_of

        hdu = self._classifier.hdu
        if hdu != ALL or isinstance(group, Rejected):
            yield from self._of(group, hdu)
            return
        held: list[set[int]] = []  # of the list's sources, by each frame
        for part in parts_of(group.path, self._classifier.any_kind):
            number = part.hdu if isinstance(part, Part) else None
            yield from self._of(part if isinstance(part, Rejected) else group, number, held)
        if self._catalogue is not None and held:
            for i in sorted(set(range(len(self._catalogue.names))).difference(*held)):
                yield self._outside(group.path, self._catalogue, i)

    def _of(
        self, group: Group | Rejected, hdu: HduName | None, held: list[set[int]] | None = None
    ) -> Iterator[Placed]:
        """Yield the rows of one frame; with `held` of listed sources those that it holds."""
        from galedge.errors import GaledgeError, ReadError
        from galedge.frames.field import classify_sources
        from galedge.frames.frame import Frame
        from galedge.images.inputs import Rejected
        from galedge.images.kinds import refuse
        from galedge.support.log import unforeseen

        try:
            if isinstance(group, Rejected):
                raise ReadError(group.reason)
            asked = self._classifier
            frame = Frame(group.source, hdu, asked.plane, asked.order)
            if not asked.any_kind:
                refuse(frame.image.header.text)
            if self._remembers:
                self.frame = frame
            sources = self._where.locate(frame, self._catalogue, self._classifier.workers)
            extra = self._extra(sources)
            if held is not None and self._catalogue is not None:
                at = zip(sources.x, sources.y, strict=True)
                inside = [i for i, (x, y) in enumerate(at) if frame.contains(x, y)]
                held.append(set(inside))
                sources, extra = sources.only(inside), extra and [extra[i] for i in inside]
            yield from classify_sources(
                self._classifier,
                frame,
                sources,
                extra,
                self._where.size,
                group.flags,
                self._where.fwhm,
            )
            return
        except ReadError as error:
            reason = str(error).removeprefix(f"{group.path}: ")
        except GaledgeError:  # a package is missing, or the model's: no frame would fare better
            raise
        except Exception as error:  # one frame's, not the run's
            reason = unforeseen(error, group.path)
        yield self.rejected(group.path, reason, hdu if isinstance(hdu, int) else None)

    def rejected(self, path: str, reason: str, hdu: int | None = None) -> Placed:
        """Return the row of a frame that has none of a source."""
        from galedge.frames.field import Placed
        from galedge.images.inputs import Rejected

        (result,) = self._classifier.stream([Rejected(path, reason)])
        result = replace(result, hdu=hdu)
        nowhere = float("nan")
        return Placed(result, nowhere, nowhere, nowhere, dict.fromkeys(self._kept))

    def _outside(self, path: str, catalogue: Catalogue, i: int) -> Placed:
        """Return the row of a source that lies on none of a file's images."""
        placed = self.rejected(path, "lies outside every image of the file")
        place = float(catalogue.first[i]), float(catalogue.second[i])
        kept = {new: catalogue.columns[name][i] for new, name in self._kept.items()}
        result = replace(placed.result, object=catalogue.names[i], flags=("outside",))
        if catalogue.on_sky:
            result = replace(result, ra=place[0], dec=place[1])
        return replace(placed, result=result, extra=kept)

    def _extra(self, sources: Sources) -> list[Mapping[str, Cell]] | None:
        """Return the kept columns of each source."""
        if not self._kept or self._catalogue is None:
            return None
        columns = [self._catalogue.columns[name] for name in self._kept.values()]
        return [dict(zip(self._kept, cells, strict=True)) for cells in zip(*columns, strict=True)]

    def draw(self, path: str) -> None:
        """Draw the rows over the frame."""
        from galedge.frames.overlay import draw

        if self.frame is not None:
            classes = self._classifier.model.heads.classes
            draw(self.frame, self.drawn, path, classes.names if classes else ())
