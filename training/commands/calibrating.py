"""Calibrating: the commands that write into the card of a bundle that is there."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.measuring import bundle_task
from training.commands.options import asked, folder, refusing

__all__ = ["calibrate", "describe", "refer"]


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


@click.command()
@click.argument("bundle", type=folder)
@click.argument("pack", type=folder)
@click.option("--precision", default="int8", show_default=True)
@refusing
def refer(bundle: Path, pack: Path, precision: str) -> None:
    """Write what runs are compared with into the card of BUNDLE, by the val split of PACK.

    Of each number its quantiles over all galaxies through all cameras, and how far the farthest
    camera is from them. Then cameras of the test split are compared with it. The network, and
    all else of the card, stay.
    """
    from training.data.pack import Pack
    from training.ship.refer import refer as referred

    for line in referred(bundle, Pack.open(pack, bundle_task(bundle)), precision):
        click.echo(line)


@click.command()
@click.argument("bundle", type=folder)
@click.option(
    "--task", required=True, help="That BUNDLE learned: its file (.toml, .json), or a name."
)
@refusing
def describe(bundle: Path, task: str) -> None:
    """Write what a task says in words into the card of BUNDLE.

    Descriptions, limits, credits, which kind of source it is about, and which labels mean
    something only where others are told (`given`). The network, and all else of the card, stay.
    """
    from training.ship.describe import describe as described

    for line in described(bundle, asked(task)):
        click.echo(line)
