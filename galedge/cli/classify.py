"""``galedge classify``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.run import refuse_overwriting, tabulate

__all__ = ["classify"]


@click.command()
@options.paths
@options.output
@click.option("--model", metavar="NAME|FOLDER", help="Model bundle. Default: the shipped one.")
@options.workers
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Images a worker takes at a time.",
)
@options.hdu
@options.plane
@options.frame
@click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    help="Default: int8 where the model has it.",
)
@options.quiet
def classify(
    paths: tuple[str, ...],
    output: str | None,
    model: str | None,
    workers: int | None,
    batch: int,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    precision: str | None,
    quiet: bool,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.
    """
    refuse_overwriting(output, paths)
    from galedge.classify import Classifier
    from galedge.result import columns

    classifier = Classifier(
        model,
        workers=workers,
        batch=batch,
        hdu=hdu,
        plane=plane,
        frame=frame,
        precision=precision,
    )
    card = classifier.model.card
    names = columns(card.classes, card.features)
    tabulate(paths, output, names, classifier.stream, "classified", quiet)
