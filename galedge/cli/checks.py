"""What values options may have: names from the places that have them, and checks for click.

Whatever has names is imported when help or a check asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from galedge.support.say import printable

if TYPE_CHECKING:
    from galedge.answers.prior import Shares

__all__ = [
    *("device", "engine", "engines_known", "folder", "formats_known", "framing"),
    *("framings_known", "hdu", "hdu_form", "named", "order", "prior", "prior_form"),
    *("sets", "views"),
]


def framings_known() -> list[str]:
    """Return the names of framings, and PIXELS for a number."""
    from galedge.core.backend import _core

    return _core.framings()


def framing(context: click.Context, option: click.Parameter, value: str | None) -> str | int | None:
    """Check ``--frame``: the name of a framing, or a number of pixels."""
    if value is None:
        return None
    from galedge.images.recipe import framings

    if value in (names := framings()):
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is none of {', '.join(names)}, or a number of pixels")
    return int(value)


def engines_known() -> list[str]:
    """Return ``auto``, and the names of engines."""
    from galedge.network.engines import engines

    return ["auto", *engines()]


def engine(context: click.Context, option: click.Parameter, value: str) -> str:
    """Check ``--engine``: auto, or the name of one."""
    if value not in engines_known():
        raise click.BadParameter(f"{value!r} is none of {', '.join(engines_known())}")
    return value


def formats_known() -> list[str]:
    """Return how the names of tables end."""
    from galedge.tables.formats import formats

    return list(formats())


def hdu_form(value: object) -> str:
    """Return what ``--hdu`` was given, as its metavar calls it."""
    return "all" if value == "all" else "N" if isinstance(value, int) else "NAME"


def hdu(context: click.Context, option: click.Parameter, value: str | None) -> int | str | None:
    """Check ``--hdu``: a number or a name."""
    if value is None:
        return None
    name = str(value).strip()  # configuration files have numbers
    if not name:
        raise click.BadParameter("is empty; name an HDU, or leave the option out")
    if not name.removeprefix("-").isdecimal():
        return name
    if name.startswith("-"):
        raise click.BadParameter(f"{name} is no HDU: they are numbered from 0")
    if (number := int(name)) >= 1 << 31:
        raise click.BadParameter(f"{name} is more than any file has")
    return number


def device(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Check ``--device``: cpu, cuda or cuda:N."""
    from galedge.network.engine import gpu_number

    try:
        gpu_number(value or "cpu")
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def views(context: click.Context, option: click.Parameter, value: str) -> str | int:
    """Return ``--views`` as a classifier takes it."""
    return value if value == "auto" else int(value)


def prior_form(value: object) -> str:
    """Return what ``--prior`` was given, as its metavar calls it."""
    return "fit" if value == "fit" else "SHARES"


def prior(
    context: click.Context, option: click.Parameter, value: str | None
) -> Shares | str | None:
    """Check ``--prior``: shares of classes, a file of them, or fit."""
    if value is None or value == "fit":
        return value
    from galedge.answers.prior import read_shares

    try:
        return read_shares(value)
    except ValueError as error:
        raise click.BadParameter(printable(str(error))) from None


def sets(context: click.Context, option: click.Parameter, value: object) -> float | str | None:
    """Check ``--sets``: a level between 0 and 1, none, or auto."""
    if value in ("auto", "none"):
        return None if value == "none" else "auto"
    try:
        level = float(str(value))  # configuration files have numbers
    except ValueError:
        level = 0.0
    if not 0 < level < 1:
        raise click.BadParameter(f"{value!r} is no level such as 0.9, nor none")
    return level


def order(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Check ``--order``."""
    from galedge.images.colours import named_order

    try:
        named_order(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def named(*extensions: str) -> Callable[..., str | None]:
    """Return a check that a file's name ends in one of some extensions."""

    def check(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith(extensions):
            raise click.BadParameter(f"{value!r}: end the name in {extensions[0]}")
        return value

    return check


def folder(context: click.Context, option: click.Parameter, value: str) -> str:
    """Check a folder for results."""
    if os.path.exists(value) and not os.path.isdir(value):
        raise click.BadParameter(f"{printable(value)} is a file; name a folder")
    return value
