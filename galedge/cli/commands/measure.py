"""``galedge measure``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.options import Number, Option
from galedge.cli.run import tabulate
from galedge.cli.settings import HDUS, Reading, Running, Writing, paths

__all__ = ["measure"]


@options.command
@paths
@options.takes(Writing, "output", "json", "quiet")
@options.takes(Reading, without=["order", "frame"], hdu=HDUS)
@options.takes(Running, "workers")
@click.option(
    "--psf",
    cls=Option,
    section="Nuclei",
    metavar="FILE",
    help="Point spread function: a small FITS image of a point, or a frame with stars of it. "
    "Default: that of the image's own stars.",
)
@click.option(
    "--fwhm",
    cls=Option,
    section="Nuclei",
    type=Number(0.5, 100),
    metavar="PIXELS",
    help="Of a star, instead; its profile is Moffat's with exponent 3.",
)
def measure(
    paths: tuple[str, ...],
    psf: str | None,
    fwhm: float | None,
    writing: Writing,
    reading: Reading,
    running: Running,
) -> None:
    """Measure structure: concentration, asymmetry, smoothness, Gini, M20, shape, nucleus.

    Images are found, and rows written, as by classify. Needs linear pixels, and
    Numba: pip install 'galedge[measure]'.
    """
    writing.spare((*paths, psf))
    from galedge.answers.measure import COLUMNS, Measurer
    from galedge.frames.given import of_file, own, told

    measurer = Measurer(
        workers=running.workers,
        hdu=reading.hdu,
        plane=reading.plane,
        verify=reading.verify,
        any_kind=reading.any_kind,
        psf=of_file(psf) if psf is not None else own if fwhm is None else told(fwhm),
    )
    tabulate(paths, writing, COLUMNS, measurer.stream, "measured")
