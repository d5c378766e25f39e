"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = [
    "device",
    "engine",
    "frame",
    "gallery",
    "hdu",
    "keep",
    "model",
    "output",
    "overlay",
    "paths",
    "paths_or_bands",
    "plane",
    "precision",
    "quiet",
    "sources",
    "verify",
    "views",
    "workers",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _framing(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | int | None:
    """Check ``--frame``: auto, full or a number of pixels."""
    if value is None or value in ("auto", "full"):
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is none of auto, full, or a number of pixels")
    return int(value)


def _device(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Check ``--device``: cpu, cuda or cuda:N."""
    from galedge.network.engine import gpu_number

    try:
        gpu_number(value or "cpu")
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _page(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Check ``--gallery``: a page."""
    if value is not None and not value.lower().endswith((".html", ".htm")):
        raise click.BadParameter(f"{value!r} is no page; end the name in .html")
    return value


paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)
paths_or_bands = click.argument("paths", metavar="PATH...", nargs=-1)
output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the table here, whole or not at all: .csv, .jsonl, .ecsv, .fits, .vot "
    "or .parquet. Default: CSV on standard output, row by row.",
)
json = click.option(
    "--json", is_flag=True, help="JSON lines, not CSV, on standard output: one object an image."
)
gallery = click.option(
    "--gallery",
    callback=_page,
    metavar="FILE.html",
    help="Write a page of thumbnails with the answers here, to sort and filter in a browser.",
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
verify = click.option(
    "--verify",
    is_flag=True,
    help="Compare the CHECKSUM and DATASUM of FITS files, where they have them.",
)
frame = click.option(
    "--frame",
    callback=_framing,
    metavar="auto|full|PIXELS",
    help="Find the galaxy and frame it, take the largest square, or a centred "
    "square of so many pixels. Default: as the model was trained.",
)
model = click.option(
    "--model", metavar="NAME|FOLDER", help="Model bundle. Default: the shipped one."
)
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "onnxruntime", "openvino", "cuda"]),
    default="auto",
    show_default=True,
    help="What runs the network; auto is what `galedge engines` found fastest here.",
)
device = click.option(
    "--device",
    callback=_device,
    metavar="cpu|cuda|cuda:N",
    help="Where it runs. Default: the CPU; for --engine cuda the first GPU.",
)
views = click.option(
    "--views",
    type=click.Choice(["auto", "1", "8"]),
    default="1",
    show_default=True,
    help="Average over so many rotations and reflections; auto: 8 where 1 leaves doubt.",
)
precision = click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    help="Default: on a CPU int8, where the model has it and the CPU can.",
)


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


def _bands(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    """Check ``--bands``: three files or a pattern."""
    if value is None:
        return None
    from galedge.answers.bands import parse_bands

    try:
        return parse_bands(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}") from None


_SOURCES = (
    click.option(
        "--catalog",
        metavar="FILE",
        help="Take the sources of a list in each frame: CSV; or, with an extra, ECSV, FITS "
        "table, VOTable, Parquet.",
    ),
    click.option(
        "--columns",
        callback=_roles,
        metavar="ROLE=NAME,...",
        help="Which columns of the list are ra and dec or x and y; and id, size or radius.",
    ),
    click.option("--one-based", is_flag=True, help="x and y of the list count from 1, as in FITS."),
    click.option("--detect", is_flag=True, help="Find the sources of each frame, by sep."),
    click.option(
        "--threshold",
        type=click.FloatRange(0, min_open=True),
        metavar="SIGMA",
        help="Of --detect, in units of the noise. Default: 2.",
    ),
    click.option(
        "--min-area",
        type=click.IntRange(1),
        metavar="PIXELS",
        help="Of --detect, above the threshold. Default: 20.",
    ),
    click.option(
        "--size",
        type=click.IntRange(8, 4096),
        metavar="PIXELS",
        help="Side of the cutouts. Default: as the list says or the galaxy needs.",
    ),
    click.option(
        "--bands",
        callback=_bands,
        metavar="FILES|PATTERN",
        help="Three files as one image, from blue to red: g.fits,r.fits,i.fits; or a pattern "
        "for folders: '{name}_{g,r,i}.fits'.",
    ),
)


def sources(command: _Command) -> _Command:
    """Add the options that say where in which frames the galaxies are."""
    for option in reversed(_SOURCES):
        command = option(command)
    return command


keep = click.option("--keep", is_flag=True, help="Carry the list's own columns through.")
overlay = click.option(
    "--overlay", metavar="FILE.png", help="Draw the sources over the frame, coloured by class."
)
