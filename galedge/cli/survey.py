"""Rows of the sources of frames: what `classify --catalog` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galedge.classify import Classifier
    from galedge.columns import Column
    from galedge.field import Placed
    from galedge.frames import Frame
    from galedge.inputs import Rejected
    from galedge.result import Cell
    from galedge.sources import Sources

__all__ = ["Survey", "check_sources"]


def check_sources(
    *,
    catalog: str | None,
    columns: dict[str, str] | None,
    one_based: bool,
    size: int | None,
    keep: bool = False,
) -> None:
    """Refuse options that do not go together."""
    needing = {"--columns": columns, "--one-based": one_based, "--keep": keep, "--size": size}
    for name, given in needing.items():
        if given and catalog is None:
            raise click.UsageError(f"{name} goes with --catalog")


class Survey:
    """Classifies the sources of one frame after another."""

    def __init__(
        self,
        classifier: Classifier,
        names: Sequence[str],
        hdu: int | None,
        plane: int | None,
        *,
        catalog: str,
        columns: dict[str, str] | None,
        one_based: bool,
        size: int | None,
        keep: bool,
    ) -> None:
        from galedge.columns import Column
        from galedge.sources import read_catalogue

        self._classifier = classifier
        self._hdu, self._plane = hdu, plane
        self._catalogue = read_catalogue(catalog, columns, one_based=one_based)
        self._size = size
        self._kept: dict[str, str] = {}
        if keep:
            self._kept = {
                name if name not in names else f"cat_{name}": name
                for name in self._catalogue.columns
            }
        # Whatever they are called, they are not galedge's: their values say what they are.
        self.names: list[str | Column] = [*names, *map(Column, self._kept)]

    def rows(self, inputs: Iterable[str | Rejected]) -> Iterator[Placed]:
        """Yield the rows of each frame in turn."""
        from galedge.errors import ReadError
        from galedge.field import Placed
        from galedge.frames import Frame
        from galedge.inputs import Rejected

        for path in inputs:
            try:
                if isinstance(path, Rejected):
                    raise ReadError(path.reason)
                frame = Frame(path, self._hdu, self._plane)
                sources = frame.locate(self._catalogue)
            except ReadError as error:
                name = path.path if isinstance(path, Rejected) else path
                rejected = Rejected(name, str(error).removeprefix(f"{name}: "))
                (result,) = self._classifier.stream([rejected])
                yield Placed(result, float("nan"), dict.fromkeys(self._kept))
                continue
            yield from self._frame(frame, sources)

    def _frame(self, frame: Frame, sources: Sources) -> Iterator[Placed]:
        from galedge.field import classify_sources

        columns = {new: self._catalogue.columns[old] for new, old in self._kept.items()}
        extra: list[Mapping[str, Cell]] = [
            dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        ]
        yield from classify_sources(self._classifier, frame, sources, extra or None, self._size)
