"""``galedge cutout``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galedge.cli import options
from galedge.cli.run import tabulate
from galedge.cli.settings import Reading, Writing, folder
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.frames.cutouts import Cutout
    from galedge.images.inputs import Rejected

__all__ = ["cutout"]


@options.command
@folder("Write the cutouts here; the folder is made if need be.")
@options.takes(Writing, "quiet")
@options.takes(Where, without=["keep", "fwhm"])
@options.takes(Reading, "hdu", "plane", "order")
def cutout(folder: str, writing: Writing, where: Where, reading: Reading) -> None:
    """Cut the sources of a frame out: a FITS file each, with its WCS.

    The list of the files, one row a source, goes to standard output as CSV.
    Needs astropy: pip install 'galedge[tables]'.
    """
    group = where.one_frame("cutout")
    from galedge.frames.cutouts import COLUMNS, write_cutouts
    from galedge.frames.frame import Frame
    from galedge.support.machine import usable_cpus

    frame = Frame(group.source, reading.hdu, reading.plane, reading.order)
    found = where.locate(frame, where.read(), usable_cpus())

    def rows(_: list[str | Rejected]) -> Iterator[Cutout]:
        return write_cutouts(frame, found, folder, where.size)

    tabulate([], writing, COLUMNS, rows, "wrote", noun="cutout")
