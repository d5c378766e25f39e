"""``galedge info``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.settings import Reading
from galedge.support.say import print_text

__all__ = ["info"]


@options.command
@click.argument("file", metavar="[FILE]", required=False)
@options.takes(Reading, without=["frame"])
def info(file: str | None, reading: Reading) -> None:
    """Show what galedge sees in a file, and how it would frame it.

    Without FILE: what galedge itself knows by name, and what is missing for it here.
    """
    if file is None:
        from galedge.cli.abilities import abilities

        lines = abilities()
    else:
        from galedge.cli.show import describe_file

        lines = describe_file(
            file,
            reading.hdu,
            reading.plane,
            reading.order,
            verify=reading.verify,
            any_kind=reading.any_kind,
        )
    for line in lines:
        print_text(line)
