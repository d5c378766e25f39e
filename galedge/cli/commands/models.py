"""``galedge models``."""

from __future__ import annotations

import click

from galedge.support.say import print_text

__all__ = ["models"]


@click.command()
def models() -> None:
    """List the shipped models with their metrics."""
    from galedge.cli.show import describe_models

    print_text(describe_models())
