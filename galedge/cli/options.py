"""Options and arguments that several commands share."""

from __future__ import annotations

import click

__all__ = ["frame", "hdu", "output", "paths", "plane", "quiet", "workers"]


def _framing(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | int | None:
    """Check ``--frame``: auto, full or a number of pixels."""
    if value is None or value in ("auto", "full"):
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is none of auto, full, or a number of pixels")
    return int(value)


paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)
output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the table here, whole or not at all: .csv or .jsonl. "
    "Default: CSV on standard output, row by row.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Threads. Default: the CPUs this process may use.",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Nothing on standard error but failures.")
hdu = click.option(
    "--hdu",
    type=click.IntRange(0),
    metavar="N",
    help="HDU of FITS files. Default: the first with an image.",
)
plane = click.option(
    "--plane",
    type=click.IntRange(0),
    metavar="N",
    help="Plane of cubes. Default: a cube of three is a colour image.",
)
frame = click.option(
    "--frame",
    callback=_framing,
    metavar="auto|full|PIXELS",
    help="Find the galaxy and frame it, take the largest square, or a centred "
    "square of so many pixels. Default: as the model was trained.",
)
