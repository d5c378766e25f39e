"""Calibrating: the command that writes label sets and prior into a bundle's card."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.measuring import bundle_task
from training.commands.options import folder, refusing

__all__ = ["calibrate"]


@click.command()
@click.argument("bundle", type=folder)
@click.argument("pack", type=folder)
@click.option("--precision", default="int8", show_default=True)
@refusing
def calibrate(bundle: Path, pack: Path, precision: str) -> None:
    """Write label sets and prior into the card of BUNDLE, by the val split of PACK.

    Best of a PACK with `--cameras`: sets hold through what they were calibrated through. Then
    sets and prior are measured on the test split. The network, and all else of the card, stay.
    """
    from training.data.pack import Pack
    from training.ship.calibrate import calibrate as calibrated

    for line in calibrated(bundle, Pack.open(pack, bundle_task(bundle)), precision):
        click.echo(line)
