"""``galedge classify``."""

from __future__ import annotations

import os
from typing import Any

import click

from galedge.cli import nights, options
from galedge.cli.load import load_classifier
from galedge.cli.run import refuse_overwriting, tabulate
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
@options.views
@options.sources
@options.keep
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Work on a Dask cluster and write a Parquet data set to the folder -o.",
)
@options.gallery
@click.option("--resume", is_flag=True, help="Go on where a killed run of this command stopped.")
@nights.quarantine
@nights.quarantine_move
@nights.write_back
@nights.config
@options.verify
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
    views: str,
    keep: bool,
    dask: str | None,
    gallery: str | None,
    resume: bool,
    quarantine: str | None,
    quarantine_move: bool,
    write_back: str | None,
    verify: bool,
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
    if verify and where["catalog"] is not None:
        raise click.UsageError(
            "--verify adds up whole files, --catalog reads only cutouts of them: "
            "ask galedge info --verify first"
        )
    if dask is None:
        refuse_overwriting(output, inputs)
        refuse_overwriting(gallery, inputs, "--gallery")
    elif json or gallery or where["catalog"] is not None:
        raise click.UsageError("--dask goes with none of --json, --gallery, --catalog")
    if (resume or quarantine or write_back) and (dask is not None or where["catalog"] is not None):
        raise click.UsageError(
            "--resume, --quarantine and --write-back go with neither --dask nor --catalog"
        )
    if resume and (output is None or gallery is not None):
        # A journal holds rows, not thumbnails.
        raise click.UsageError("--resume needs -o FILE, and goes without --gallery")
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
        "verify": verify,
        "views": views if views == "auto" else int(views),
    }
    classifier = load_classifier(
        quiet=quiet,
        images=len(paths) if few else None,
        keep_pixels=gallery is not None,
        **settings,
    )
    card = classifier.model.card
    names = columns(card.classes, card.features)
    about = {
        "model": card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
    if dask is not None:
        classify_on(dask, paths, output, settings, about, quiet)
        return
    if where["catalog"] is not None:
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
        return
    with nights.safeguarded(
        classifier,
        paths,
        output if resume else None,
        write_back=write_back,
        quarantine=quarantine,
        moves=quarantine_move,
    ) as run:
        tabulate(
            paths,
            output,
            names,
            run.stream,
            "classified",
            quiet,
            about=about,
            json=json,
            gallery=gallery,
            then=run.finish,
            kept=run.kept,
        )
