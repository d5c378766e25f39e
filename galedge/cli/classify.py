"""``galedge classify``."""

from __future__ import annotations

import os
from typing import Any

import click

from galedge.cli import options
from galedge.cli.run import refuse_overwriting, tabulate
from galedge.cli.say import say
from galedge.cli.survey import Survey, check_sources

__all__ = ["classify"]


@click.command()
@options.paths
@options.output
@options.json
@options.model
@options.workers
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    help="Images a worker takes at a time. Default: 64, on a GPU 1024.",
)
@options.hdu
@options.plane
@options.frame
@options.engine
@options.device
@options.precision
@options.sources
@options.keep
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Work on a Dask cluster and write a Parquet data set to the folder -o.",
)
@options.gallery
@options.quiet
def classify(
    paths: tuple[str, ...],
    output: str | None,
    json: bool,
    model: str | None,
    workers: int | None,
    batch: int | None,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    engine: str,
    device: str | None,
    precision: str | None,
    keep: bool,
    dask: str | None,
    gallery: str | None,
    quiet: bool,
    **where: Any,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.

    With --catalog images are frames, and each source of the list is a row.
    """
    check_sources(keep=keep, **where)
    inputs = [*paths, *filter(None, [where["catalog"]])]
    if dask is None:
        refuse_overwriting(output, inputs)
        refuse_overwriting(gallery, inputs, "--gallery")
    elif json or gallery or where["catalog"] is not None:
        raise click.UsageError("--dask goes with none of --json, --gallery, --catalog")
    from galedge.classify import Classifier
    from galedge.cli.cluster import classify_on
    from galedge.result import columns

    # A folder may hold any number; of files only, auto can tell what a start is worth.
    few = where["catalog"] is None and all(os.path.isfile(path) for path in paths)
    settings: dict[str, Any] = {
        "model": model,
        "workers": workers,
        "batch": batch,
        "hdu": hdu,
        "plane": plane,
        "frame": frame,
        "engine": engine,
        "device": device,
        "precision": precision,
    }
    try:
        classifier = Classifier(
            **settings,
            images=len(paths) if few else None,
            keep_pixels=gallery is not None,
        )
    except ValueError as error:  # two options that contradict each other
        raise click.UsageError(str(error)) from None
    if classifier.model.choice.warning and not quiet:
        say(classifier.model.choice.warning)
    card = classifier.model.card
    names = columns(card.classes, card.features)
    about = {
        "model": card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
    if dask is not None:
        classify_on(dask, paths, output, settings, about, quiet)
    elif where["catalog"] is None:
        tabulate(
            paths,
            output,
            names,
            classifier.stream,
            "classified",
            quiet,
            about=about,
            json=json,
            gallery=gallery,
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
            gallery=gallery,
        )
