"""``galedge info``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.settings import Reading
from galedge.support.say import print_text

__all__ = ["info"]


@options.command
@click.argument("file")
@options.takes(Reading, without=["frame"])
def info(file: str, reading: Reading) -> None:
    """Show what galedge sees in a file, and how it would frame it."""
    from galedge.cli.show import describe_file

    for line in describe_file(file, reading.hdu, reading.plane, reading.verify):
        print_text(line)
