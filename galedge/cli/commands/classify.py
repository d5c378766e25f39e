"""``galedge classify``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from galedge.cli import options
from galedge.cli.settings import HDUS, Keeping, Reading, Running, Writing
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galedge.nights.journal import Stream
    from galedge.tables.columns import Column

__all__ = ["classify"]


@options.command
@options.takes(Writing)
@options.takes(Where)
@options.takes(Reading, hdu=HDUS)
@options.takes(Running)
@options.takes(Keeping)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Work on a Dask cluster and write a Parquet data set to the folder -o.",
)
def classify(
    writing: Writing,
    where: Where,
    reading: Reading,
    running: Running,
    keeping: Keeping,
    dask: str | None,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.

    With --catalog or --detect images are frames, and each source in them a row.
    """
    if writing.overlay is not None:
        where.one_frame("--overlay")
    if dask is None:
        writing.spare(where.named)
    keeping.spare(where.paths)
    from galedge.answers.result import columns
    from galedge.cli.cluster import classify_on
    from galedge.cli.drifting import monitor
    from galedge.cli.load import (
        arguments,
        fitting,
        load_classifier,
        measured_if_long,
        provenance,
    )
    from galedge.cli.nights import safeguarded
    from galedge.cli.run import tabulate
    from galedge.cli.survey import Survey, rows_of
    from galedge.images.parts import ALL, parted

    # A folder may hold any number; of files only, auto can tell what a start is worth.
    few = where.one_each and all(os.path.isfile(path) for path in where.paths)
    if where.one_each and dask is None:
        running = measured_if_long(running, where.paths, quiet=writing.quiet)
    classifier = load_classifier(
        reading,
        running,
        quiet=writing.quiet,
        images=len(where.paths) if few else None,
        keep_pixels=writing.gallery is not None,
    )
    names = columns(classifier.heads)
    about = provenance(classifier)
    drift = None if dask is not None else monitor(writing, classifier)

    def table(columns: Sequence[Column], stream: Stream, **more: Any) -> None:
        if running.prior == "fit":
            stream = fitting(classifier, about, writing.quiet, stream)
        more |= {"about": about, "drift": drift}
        tabulate(where.searched, writing, columns, stream, "classified", **more)

    if dask is not None:
        classify_on(dask, where.paths, writing, arguments(reading, running), about)
    elif where.in_frames:
        survey = Survey(classifier, names, where, remembers=writing.overlay is not None)
        try:
            table(survey.columns, survey.rows, noun="source")
        finally:
            if writing.overlay is not None and survey.complete:
                survey.draw(writing.overlay)
    elif where.bands is not None:
        each = rows_of(classifier, names, where)
        table(each.columns, each.stream, noun=each.noun)
    else:
        with safeguarded(classifier, keeping, where.paths, writing.output) as run:
            stream = run.stream
            if classifier.hdu == ALL:
                stream = parted(stream, classifier.any_kind)
            table(names, stream, then=run.finish, kept=run.kept)
