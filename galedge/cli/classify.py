"""``galedge classify``."""

from __future__ import annotations

from typing import Any

import click

from galedge.cli import options
from galedge.cli.run import refuse_overwriting, tabulate
from galedge.cli.survey import Survey, check_sources

__all__ = ["classify"]


@click.command()
@options.paths
@options.output
@options.json
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
@options.sources
@options.keep
@options.quiet
def classify(
    paths: tuple[str, ...],
    output: str | None,
    json: bool,
    model: str | None,
    workers: int | None,
    batch: int,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    precision: str | None,
    keep: bool,
    quiet: bool,
    **where: Any,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.

    With --catalog images are frames, and each source of the list is a row.
    """
    check_sources(keep=keep, **where)
    refuse_overwriting(output, [*paths, *filter(None, [where["catalog"]])])
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
    about = {
        "model": card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
    if where["catalog"] is None:
        tabulate(
            paths, output, names, classifier.stream, "classified", quiet, about=about, json=json
        )
    else:
        survey = Survey(classifier, names, hdu, plane, keep=keep, **where)
        tabulate(
            paths,
            output,
            survey.names,
            survey.rows,
            "classified",
            quiet,
            noun="source",
            about=about,
            json=json,
        )
