"""``galedge info``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.support.say import print_text

__all__ = ["info"]


@click.command()
@click.argument("file")
@options.hdu
@options.plane
@options.verify
def info(file: str, hdu: int | None, plane: int | None, verify: bool) -> None:
    """Show what galedge sees in a file, and how it would frame it."""
    from galedge.cli.show import describe_file

    for line in describe_file(file, hdu, plane, verify):
        print_text(line)
