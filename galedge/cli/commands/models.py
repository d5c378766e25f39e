"""``galedge models``."""

from __future__ import annotations

import click

from galedge.support.say import print_text

__all__ = ["models"]


@click.command()
@click.argument("model", metavar="[NAME|FOLDER]", required=False)
def models(model: str | None) -> None:
    """Show what models tell, how far, and what that is worth: the shipped ones, or one of yours."""
    from galedge.cli.bundles import describe_model, describe_models

    print_text(describe_models() if model is None else describe_model(model))
