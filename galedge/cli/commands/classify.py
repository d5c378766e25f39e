"""``galedge classify``."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from galedge.cli import nights, options
from galedge.cli.load import load_classifier
from galedge.cli.run import refuse_overwriting, tabulate
from galedge.cli.survey import Survey
from galedge.cli.where import Where
from galedge.support.say import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.answers.result import Result
    from galedge.images.inputs import Rejected

__all__ = ["classify"]


@click.command()
@options.paths_or_bands
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
@options.overlay
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
    overlay: str | None,
    dask: str | None,
    gallery: str | None,
    resume: bool,
    quarantine: str | None,
    quarantine_move: bool,
    write_back: str | None,
    verify: bool,
    quiet: bool,
    **sources: Any,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.

    With --catalog or --detect images are frames, and each source in them a row.
    """
    where = Where(**sources)
    where.check(paths)
    one_each = where.bands is None and not where.in_frames
    if keep and where.catalog is None:
        raise click.UsageError("--keep goes with --catalog")
    if overlay is not None:
        where.check_one_frame(paths, "--overlay")
        if not overlay.lower().endswith(".png"):
            raise click.UsageError(f"--overlay {printable(overlay)}: end the name in .png")
        refuse_overwriting(overlay, where.inputs(paths), "--overlay")
    if verify and not one_each:
        raise click.UsageError(
            "--verify adds up whole files and goes with none of --catalog, --detect, --bands: "
            "ask galedge info --verify first"
        )
    if dask is None:
        refuse_overwriting(output, where.inputs(paths))
        refuse_overwriting(gallery, where.inputs(paths), "--gallery")
    elif json or gallery or not one_each:
        raise click.UsageError(
            "--dask goes with none of --json, --gallery, --catalog, --detect, --bands"
        )
    if (resume or quarantine or write_back) and (dask is not None or not one_each):
        raise click.UsageError(
            "--resume, --quarantine and --write-back go with none of "
            "--dask, --catalog, --detect, --bands"
        )
    if resume and (output is None or gallery is not None):
        # A journal holds rows, not thumbnails.
        raise click.UsageError("--resume needs -o FILE, and goes without --gallery")
    from galedge.answers.bands import classify_groups
    from galedge.answers.result import columns
    from galedge.cli.cluster import classify_on

    # A folder may hold any number; of files only, auto can tell what a start is worth.
    few = one_each and all(os.path.isfile(path) for path in paths)
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
    names = columns(card.heads)
    about = {
        "model": card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
    table = partial(tabulate, where.files(paths), output, about=about, json=json, gallery=gallery)
    if dask is not None:
        classify_on(dask, paths, output, settings, about, quiet)
    elif where.in_frames:
        survey = Survey(
            classifier, names, where, hdu=hdu, plane=plane, keep=keep, remembers=overlay is not None
        )
        try:
            table(survey.columns, survey.rows, "classified", quiet, noun="source")
        finally:
            if overlay is not None and survey.complete:
                survey.draw(overlay)
    elif where.bands is not None:

        def stream(found: list[str | Rejected]) -> Iterator[Result]:
            return classify_groups(classifier, where.groups(found))

        table(names, stream, "classified", quiet, noun="object")
    else:
        with nights.safeguarded(
            classifier,
            paths,
            output if resume else None,
            write_back=write_back,
            quarantine=quarantine,
            moves=quarantine_move,
        ) as run:
            table(names, run.stream, "classified", quiet, then=run.finish, kept=run.kept)
