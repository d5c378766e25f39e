"""Where galaxies are: paths, frames, source lists and bands, and what they mean together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import click

from galedge.cli.options import Number, Whole, setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galedge.answers.bands import Group, Pattern
    from galedge.frames.frame import Frame
    from galedge.frames.sources import Catalogue, Sources
    from galedge.images.inputs import Rejected

__all__ = ["Where"]


def _roles(
    context: click.Context, option: click.Parameter, value: str | None
) -> dict[str, str] | None:
    """Check ``--columns``: x=NAME,y=NAME and the like."""
    if value is None:
        return None
    from galedge.frames.sources import ROLES

    roles = {}
    for part in value.split(","):
        role, equals, name = (text.strip() for text in part.partition("="))
        if role not in ROLES or not equals or not name:
            raise click.BadParameter(
                f"{part!r} is not of the form ROLE=NAME with a role of {', '.join(ROLES)}"
            )
        roles[role] = name
    return roles


def _bands(
    context: click.Context, option: click.Parameter, value: str | None
) -> Group | Pattern | None:
    """Check ``--bands``: three files or a pattern."""
    if value is None:
        return None
    from galedge.answers.bands import parse_bands

    try:
        return parse_bands(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}") from None


def _form(bands: Group | Pattern) -> str:
    """Return what ``--bands`` was given, as its metavar calls it."""
    from galedge.answers.bands import Group

    return "FILES" if isinstance(bands, Group) else "PATTERN"


@dataclass(frozen=True, eq=False, repr=False)
class Where:
    """Where galaxies are: in which files, and where in frames."""

    SECTION: ClassVar[str] = "Frames and bands"

    paths: tuple[str, ...] = setting(default=(), metavar="PATH...", nargs=-1)
    catalog: str | None = setting(
        "--catalog",
        metavar="FILE",
        help="Take the sources of a list in each frame: CSV; or, with an extra, ECSV, FITS "
        "table, VOTable, Parquet.",
    )
    columns: dict[str, str] | None = setting(
        "--columns",
        callback=_roles,
        metavar="ROLE=NAME,...",
        help="Which columns of the list are ra and dec or x and y; and id, size or radius.",
    )
    one_based: bool = setting(
        "--one-based",
        is_flag=True,
        default=False,
        help="x and y of the list count from 1, as in FITS.",
    )
    keep: bool = setting(
        "--keep", is_flag=True, default=False, help="Carry the list's own columns through."
    )
    detect: bool = setting(
        "--detect", is_flag=True, default=False, help="Find the sources of each frame, by sep."
    )
    threshold: float | None = setting(
        "--threshold",
        type=Number(0, min_open=True),
        metavar="SIGMA",
        help="Of --detect, in units of the noise. Default: 2.",
    )
    min_area: int | None = setting(
        "--min-area",
        type=Whole(1),
        metavar="PIXELS",
        help="Of --detect, above the threshold. Default: 20.",
    )
    size: int | None = setting(
        "--size",
        type=Whole(8, 4096),
        metavar="PIXELS",
        help="Side of the cutouts. Default: as the list says or the galaxy needs.",
    )
    fwhm: float | None = setting(
        "--fwhm",
        type=Number(0.5, 100),
        metavar="PIXELS",
        help="Of stars, for frames with too few of them to tell stars from galaxies.",
    )
    bands: Group | Pattern | None = setting(
        "--bands",
        callback=_bands,
        form=_form,
        metavar="FILES|PATTERN",
        help="Three files as one image, from blue to red: g.fits,r.fits,i.fits; or a pattern "
        "for folders: '{name}_{g,r,i}.fits'.",
    )

    @property
    def in_frames(self) -> bool:
        """Whether images are frames with several galaxies."""
        return self.detect or self.catalog is not None

    @property
    def one_each(self) -> bool:
        """Whether each file is one image, and each image one galaxy."""
        return self.bands is None and not self.in_frames

    @property
    def single(self) -> Group | None:
        """The three files, where ``--bands`` names them."""
        from galedge.answers.bands import Group

        return self.bands if isinstance(self.bands, Group) else None

    @property
    def searched(self) -> list[str]:
        """What is to be searched for images."""
        from galedge.answers.bands import Pattern

        if not self.paths and isinstance(self.bands, Pattern):
            return [self.bands.folder]
        return list(self.paths)

    @property
    def named(self) -> list[str]:
        """Every file that the user named, so that no output replaces it."""
        named = [*self.paths, *(self.single.paths if self.single else ())]
        return named if self.catalog is None else [*named, self.catalog]

    @property
    def binding(self) -> dict[str, object]:
        """What rows depend on besides files and model; empty where each file is one image."""
        told = {
            "catalog": None if self.catalog is None else _digest_of(self.catalog),
            "columns": self.columns,
            "one_based": self.one_based,
            "keep": self.keep,
            "detect": self.detect,
            "threshold": self.threshold,
            "min_area": self.min_area,
            "size": self.size,
            "fwhm": self.fwhm,
            "bands": getattr(self.bands, "text", None),
        }
        return {name: value for name, value in told.items() if value not in (None, False)}

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

    def one_frame(self, what: str) -> Group:
        """Return the only frame, for what is made of one.

        Raises
        ------
        click.UsageError
            If several are named.
        """
        from galedge.answers.bands import Group

        if self.single is not None:
            return self.single
        if self.bands or len(self.paths) != 1 or os.path.isdir(self.paths[0]):
            raise click.UsageError(f"{what} takes one frame")
        return Group(self.paths[0], (self.paths[0],))


def _digest_of(path: str) -> str:
    """Return the SHA-256 of a file."""
    from hashlib import sha256

    with open(path, "rb") as file:
        return sha256(file.read()).hexdigest()
