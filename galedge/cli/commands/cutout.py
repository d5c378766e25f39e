"""``galedge cutout``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from galedge.cli import options
from galedge.cli.run import tabulate
from galedge.cli.where import Where
from galedge.support.say import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.frames.cutouts import Cutout
    from galedge.images.inputs import Rejected

__all__ = ["cutout"]


@click.command()
@options.paths_or_bands
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    required=True,
    help="Write the cutouts here; the folder is made if need be.",
)
@options.hdu
@options.plane
@options.sources
@options.quiet
def cutout(
    paths: tuple[str, ...],
    output: str,
    hdu: int | None,
    plane: int | None,
    quiet: bool,
    **sources: Any,
) -> None:
    """Cut the sources of a frame out: a FITS file each, with its WCS.

    The list of the files, one row a source, goes to standard output as CSV.
    Needs astropy: pip install 'galedge[tables]'.
    """
    where = Where(**sources)
    where.check(paths)
    where.check_one_frame(paths, "cutout")
    if os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(f"-o {printable(output)}: is a file; name a folder")
    from galedge.frames.cutouts import COLUMNS, write_cutouts
    from galedge.frames.frame import Frame
    from galedge.support.machine import usable_cpus

    frame = Frame(where.single.paths if where.single else paths[0], hdu, plane)
    found = where.locate(frame, where.read(), usable_cpus())

    def rows(_: list[str | Rejected]) -> Iterator[Cutout]:
        return write_cutouts(frame, found, output, where.size)

    tabulate([], None, COLUMNS, rows, "wrote", quiet, noun="cutout")
