"""Where galaxies are: what the options of frames, source lists and bands mean together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galedge.answers.bands import Group, Pattern
    from galedge.frames.frame import Frame
    from galedge.frames.sources import Catalogue, Sources
    from galedge.images.inputs import Rejected

__all__ = ["Where"]


@dataclass(frozen=True, slots=True)
class Where:
    """The options of `galedge.cli.options.sources`, as they were given."""

    catalog: str | None
    columns: dict[str, str] | None
    one_based: bool
    detect: bool
    threshold: float | None
    min_area: int | None
    size: int | None
    bands: Group | Pattern | None

    @property
    def in_frames(self) -> bool:
        """Whether images are frames with several galaxies."""
        return self.detect or self.catalog is not None

    def check(self, paths: Sequence[str]) -> None:
        """Refuse options that do not go together.

        Raises
        ------
        click.UsageError
            With what goes with what.
        """
        if self.detect and self.catalog is not None:
            raise click.UsageError("--catalog and --detect exclude each other")
        for name, given in {"--columns": self.columns, "--one-based": self.one_based}.items():
            if given and self.catalog is None:
                raise click.UsageError(f"{name} goes with --catalog")
        for name, value in {"--threshold": self.threshold, "--min-area": self.min_area}.items():
            if value is not None and not self.detect:
                raise click.UsageError(f"{name} goes with --detect")
        if self.size is not None and not self.in_frames:
            raise click.UsageError("--size goes with --catalog or --detect")
        if paths and self.single is not None:
            raise click.UsageError("--bands names the files itself; leave PATH out")
        if not paths and self.bands is None:
            raise click.UsageError("Missing argument 'PATH...'.")

    @property
    def single(self) -> Group | None:
        """The three files, where ``--bands`` names them."""
        from galedge.answers.bands import Group

        return self.bands if isinstance(self.bands, Group) else None

    def files(self, paths: Sequence[str]) -> list[str]:
        """Return what is to be searched for images."""
        from galedge.answers.bands import Pattern

        if not paths and isinstance(self.bands, Pattern):
            return [self.bands.folder]
        return list(paths)

    def inputs(self, paths: Sequence[str]) -> list[str]:
        """Return every file that the user named, so that no output replaces it."""
        named = [*paths, *(self.single.paths if self.single else ())]
        return named if self.catalog is None else [*named, self.catalog]

    def groups(self, files: Iterable[str | Rejected]) -> Iterator[Group | Rejected]:
        """Bring files together that are one image."""
        from galedge.answers.bands import Group, Pattern
        from galedge.images.inputs import Rejected

        if isinstance(self.bands, Pattern):
            yield from self.bands.group(files)
        elif self.bands is not None:
            yield self.bands
        else:
            for file in files:
                yield file if isinstance(file, Rejected) else Group(file, (file,))

    def read(self) -> Catalogue | None:
        """Read the source list, if there is one."""
        if self.catalog is None:
            return None
        from galedge.frames.sources import read_catalogue

        return read_catalogue(self.catalog, self.columns, one_based=self.one_based)

    def locate(self, frame: Frame, catalogue: Catalogue | None, threads: int = 1) -> Sources:
        """Return the sources of a frame."""
        if catalogue is not None:
            return frame.locate(catalogue)
        import numpy as np

        from galedge.frames.detect import MIN_AREA, THRESHOLD, detect

        threshold = THRESHOLD if self.threshold is None else self.threshold
        min_area = MIN_AREA if self.min_area is None else self.min_area
        sources = detect(frame, threshold, min_area, threads=threads)
        if self.size is not None:
            sources = replace(sources, side=np.full(len(sources), np.nan))
        return sources

    def check_one_frame(self, paths: Sequence[str], what: str) -> None:
        """Refuse several frames for what is made of one."""
        if not self.in_frames:
            raise click.UsageError(f"{what} needs --catalog or --detect")
        if self.single is None and (self.bands or len(paths) != 1 or os.path.isdir(paths[0])):
            raise click.UsageError(f"{what} takes one frame")
