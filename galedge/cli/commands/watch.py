"""``galedge watch``."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from galedge.cli import options
from galedge.cli.looking import Looking
from galedge.cli.settings import HDUS, Keeping, Reading, Running, Writing
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.images.inputs import Rejected
    from galedge.nights.watch import Found, Rows
    from galedge.tables.columns import Column
    from galedge.tables.rows import Row

__all__ = ["watch"]

_IDLE_SECONDS = 10.0  # between looks, where the system tells of events


@options.command
@click.argument("folder")
@options.takes(
    Writing,
    "output",
    "gallery",
    "reference",
    "quiet",
    output={
        "metavar": "FILE.jsonl",
        "required": True,
        "help": "The table, as JSON lines: rows are added as files come. What it holds is not "
        "done again.",
    },
)
@options.takes(Looking)
@options.takes(Where, without=["paths"])
@options.takes(Reading, hdu=HDUS)
@options.takes(Running, without=["batch"])
@options.takes(Keeping, without=["resume"])
def watch(
    folder: str,
    writing: Writing,
    looking: Looking,
    where: Where,
    reading: Reading,
    running: Running,
    keeping: Keeping,
) -> None:
    """Classify images as they come into a folder, each once, when it is complete.

    Ctrl-C and SIGTERM end it with whole rows; begun again it goes on. A file
    that is changed or renamed counts as another.

    With --catalog or --detect images are frames, and each source in them a row.
    """
    folder = os.path.abspath(folder)
    if not os.path.isdir(folder):
        raise click.UsageError(f"{folder}: no such folder")
    writing.spare(where.named)
    keeping.spare([folder])
    output = writing.output
    assert output is not None  # it is required
    from galedge.cli import nights
    from galedge.cli.drifting import monitor
    from galedge.cli.load import load_classifier
    from galedge.cli.run import REJECTED, Log
    from galedge.core.backend import SLOW, is_compiled
    from galedge.images.parts import ALL
    from galedge.nights.nightlog import NightLog
    from galedge.nights.watch import Scanner, Watch
    from galedge.support.say import counted
    from galedge.support.system import STOPS
    from galedge.support.waiter import Waiter

    noun = "source" if where.in_frames else "image"
    log = Log("classified", writing.quiet, bar=False, noun=noun)
    if not is_compiled:
        log.note(SLOW)
    waiter = Waiter()
    for stop in STOPS:
        if signal.getsignal(stop) is not signal.SIG_IGN:  # as in a shell's background
            signal.signal(stop, waiter.stop)
    classifier = load_classifier(
        reading, running, quiet=writing.quiet, keep_pixels=writing.gallery is not None
    )
    columns, rows = _rows(classifier, where, keeping, folder)
    drift = monitor(writing, classifier)
    with ExitStack() as stack:
        place = nights.open_quarantine(keeping, [folder])
        if place is not None:
            stack.enter_context(place)
        binding = nights.binding(classifier) | where.binding
        table = stack.enter_context(NightLog(output, columns, binding, drift))
        if drift is not None and drift.changes:
            log.note(drift.sentence())
        page = nights.open_page(writing.gallery, columns, classifier, log.note)
        if page is not None:
            stack.enter_context(page)

        def written(row: Row, found: Found) -> None:
            log.count(row)
            log.heed(row.as_row())
            nights.set_aside(place, row)
            if drift is not None and drift.add(row.as_row()):
                log.note(drift.sentence())
            if page is not None:
                page.add(row)

        over = looking.over(folder, where, waiter.follow if looking.inotify else None, log.note)

        def look() -> Iterator[Found]:
            if page is not None:
                page.show()
            return over()

        first = None if reading.hdu == ALL else reading.hdu
        scanner = Scanner(
            look,
            lambda group: looking.is_complete(group, first),
            table.is_done,
            looking.settle,
            looking.patience,
        )
        night = Watch(scanner, rows, table, waiter, written, log.note)
        log.note(f"watching {folder}; {counted(len(table), 'image')} done before")
        if looking.once:
            night.once(looking.settle)
        else:
            night.run(looking.interval, _IDLE_SECONDS if looking.inotify else looking.interval)
    waiting = scanner.pending
    log.end(log.summary() + (f"; {waiting:,} not complete yet" if waiting else ""))
    if looking.once and log.rejected:
        raise click.exceptions.Exit(REJECTED)


def _rows(
    classifier: Classifier, where: Where, keeping: Keeping, folder: str
) -> tuple[list[Column], Rows]:
    """Return the columns of the table, and what makes the rows of images."""
    from galedge.answers.bands import Group, classify_groups
    from galedge.answers.result import columns
    from galedge.cli.nights import copying
    from galedge.cli.survey import Survey
    from galedge.images.parts import ALL, parts_of

    names = columns(classifier.heads)
    if where.in_frames:
        survey = Survey(classifier, names, where)

        return survey.columns, lambda groups: (list(survey.of(group)) for group in groups)
    if where.bands is not None:
        return names, lambda groups: ([row] for row in classify_groups(classifier, groups))
    stream = copying(keeping, [folder], classifier.stream)

    def of_files(groups: list[Group | Rejected]) -> Iterator[Sequence[Row]]:
        items = [group.path if isinstance(group, Group) else group for group in groups]
        if classifier.hdu == ALL:
            return (list(stream(parts_of(item, classifier.any_kind))) for item in items)
        return ([row] for row in stream(items))

    return names, of_files
