"""``galedge watch``."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from galedge.cli import nights, options
from galedge.cli.load import load_classifier
from galedge.cli.run import REJECTED, Log, refuse_overwriting
from galedge.support.say import counted, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galedge.nights.journal import Stream
    from galedge.nights.watch import Found
    from galedge.support.waiter import Waiter
    from galedge.tables.rows import Row

__all__ = ["watch"]

_IDLE_SECONDS = 10.0  # between looks, where the system tells of events

_seconds = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("folder")
@click.option(
    "-o",
    "--output",
    metavar="FILE.jsonl",
    required=True,
    help="The table, as JSON lines: rows are added as files come. What it holds is not done again.",
)
@options.model
@options.workers
@options.hdu
@options.plane
@options.frame
@options.engine
@options.device
@options.precision
@click.option("--pattern", metavar="GLOB", help="Take files of such names. Default: all images.")
@click.option("--recursive/--flat", default=True, help="Look into folders within. Default: yes.")
@click.option("--once", is_flag=True, help="Take what is there and complete now, and leave.")
@click.option(
    "--interval",
    type=_seconds,
    default=0.1,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks at the folder.",
)
@click.option(
    "--settle",
    type=_seconds,
    default=0.3,
    show_default=True,
    metavar="SECONDS",
    help="A file must have stayed as it is for so long.",
)
@click.option(
    "--patience",
    type=_seconds,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="One that is not complete is rejected after staying as it is for so long.",
)
@click.option("--inotify", is_flag=True, help="Let Linux tell of new files; not on NFS.")
@nights.quarantine
@nights.quarantine_move
@nights.write_back
@nights.config
@options.quiet
def watch(
    folder: str,
    output: str,
    model: str | None,
    workers: int | None,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    engine: str,
    device: str | None,
    precision: str | None,
    pattern: str | None,
    recursive: bool,
    once: bool,
    interval: float,
    settle: float,
    patience: float,
    inotify: bool,
    quarantine: str | None,
    quarantine_move: bool,
    write_back: str | None,
    quiet: bool,
) -> None:
    """Classify images as they come into a folder, each once, when it is complete.

    Ctrl-C and SIGTERM end it with whole rows; begun again it goes on. A file
    that is changed or renamed counts as another.
    """
    folder = os.path.abspath(folder)
    if not os.path.isdir(folder):
        raise click.UsageError(f"{folder}: no such folder")
    refuse_overwriting(output, [])
    nights.refuse_inside("--write-back", write_back, [folder])
    from galedge.answers.result import columns
    from galedge.core.backend import SLOW, is_compiled
    from galedge.images.complete import is_complete
    from galedge.nights.nightlog import NightLog
    from galedge.nights.watch import Scanner, Watch
    from galedge.nights.writeback import WriteBack
    from galedge.support.waiter import Waiter

    log = Log("classified", quiet, bar=False)
    if not is_compiled:
        log.note(SLOW)
    waiter = Waiter()
    signal.signal(signal.SIGTERM, waiter.stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, waiter.stop)
    classifier = load_classifier(
        quiet=quiet,
        model=model,
        workers=workers,
        hdu=hdu,
        plane=plane,
        frame=frame,
        engine=engine,
        device=device,
        precision=precision,
    )
    stream: Stream = classifier.stream
    if write_back is not None:
        stream = WriteBack(write_back, [folder], say).stream(stream)

    def complete(path: str) -> bool:
        # Once, there is no time for patience but the file's own.
        return is_complete(path, hdu) or (once and _age(path) > patience)

    with ExitStack() as stack:
        place = nights.open_quarantine(quarantine, [folder], quarantine_move)
        if place is not None:
            stack.enter_context(place)
        names = columns(classifier.model.heads)
        table = stack.enter_context(NightLog(output, names, nights.binding(classifier)))

        def written(row: Row, found: Found) -> None:
            log.count(row)
            nights.set_aside(place, row)

        look = _look(folder, pattern, recursive, waiter if inotify else None, log.note)
        scanner = Scanner(look, complete, table.is_done, settle, patience)
        night = Watch(scanner, stream, table, waiter, written, log.note)
        log.note(f"watching {folder}; {counted(len(table), 'image')} done before")
        if once:
            night.once(settle)
        else:
            night.run(interval, _IDLE_SECONDS if inotify else interval)
    waiting = scanner.pending
    log.end(log.summary() + (f"; {waiting:,} not complete yet" if waiting else ""))
    if once and log.rejected:
        raise click.exceptions.Exit(REJECTED)


def _age(path: str) -> float:
    """Return how many seconds ago a file was changed, by the clocks of file and machine."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0


def _look(
    folder: str,
    pattern: str | None,
    recursive: bool,
    waiter: Waiter | None,
    note: Callable[[str], None],
) -> Callable[[], Iterator[Found]]:
    """Return what lists the files that are there, telling once of what is none."""
    from fnmatch import fnmatchcase

    from galedge.images.inputs import NO_IMAGES, Rejected, find, is_image, stamp_of
    from galedge.nights.watch import Found

    told: set[Rejected] = set()

    def chosen(name: str) -> bool:
        return is_image(name) if pattern is None else fnmatchcase(name, pattern)

    def look() -> Iterator[Found]:
        missed = set()
        entered = waiter.follow if waiter is not None else None
        for item in find([folder], chosen=chosen, recursive=recursive, entered=entered):
            if not isinstance(item, Rejected):
                stamp = stamp_of(item)
                if stamp is not None:
                    yield Found(item, stamp)
            elif item.reason != NO_IMAGES:
                missed.add(item)
                if item not in told:
                    note(f"{item.path}: {item.reason}; passed over")
        told.clear()
        told.update(missed)

    return look
