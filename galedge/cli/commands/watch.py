"""``galedge watch``."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import click

from galedge.cli import nights, options
from galedge.cli.load import load_classifier
from galedge.cli.options import setting
from galedge.cli.run import REJECTED, Log
from galedge.cli.settings import Keeping, Reading, Running, Writing
from galedge.support.say import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galedge.nights.watch import Found
    from galedge.support.waiter import Waiter
    from galedge.tables.rows import Row

__all__ = ["watch"]

_IDLE_SECONDS = 10.0  # between looks, where the system tells of events


def _seconds(name: str, default: float, help: str) -> Any:
    return setting(
        name,
        type=click.FloatRange(0, min_open=True),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help,
    )


@dataclass(frozen=True, slots=True)
class Looking:
    """Which files of a folder are taken, and when."""

    SECTION: ClassVar[str] = "Looking"

    pattern: str | None = setting(
        "--pattern", metavar="GLOB", help="Take files of such names. Default: all images."
    )
    recursive: bool = setting(
        "--recursive/--flat", default=True, help="Look into folders within. Default: yes."
    )
    once: bool = setting(
        "--once",
        is_flag=True,
        default=False,
        help="Take what is there and complete now, and leave.",
    )
    interval: float = _seconds("--interval", 0.1, "Between two looks at the folder.")
    settle: float = _seconds("--settle", 0.3, "A file must have stayed as it is for so long.")
    patience: float = _seconds(
        "--patience",
        60.0,
        "One that is not complete is rejected after staying as it is for so long.",
    )
    inotify: bool = setting(
        "--inotify",
        is_flag=True,
        default=False,
        help="Let Linux tell of new files; not on NFS.",
    )


@options.command
@click.argument("folder")
@options.takes(
    Writing,
    "output",
    "quiet",
    output={
        "metavar": "FILE.jsonl",
        "required": True,
        "help": "The table, as JSON lines: rows are added as files come. What it holds is not "
        "done again.",
    },
)
@options.takes(Looking)
@options.takes(Reading, without=["verify"])
@options.takes(Running, without=["batch", "views"])
@options.takes(Keeping, without=["resume"])
def watch(
    folder: str,
    writing: Writing,
    looking: Looking,
    reading: Reading,
    running: Running,
    keeping: Keeping,
) -> None:
    """Classify images as they come into a folder, each once, when it is complete.

    Ctrl-C and SIGTERM end it with whole rows; begun again it goes on. A file
    that is changed or renamed counts as another.
    """
    folder = os.path.abspath(folder)
    if not os.path.isdir(folder):
        raise click.UsageError(f"{folder}: no such folder")
    writing.spare([])
    keeping.spare([folder])
    output = writing.output
    assert output is not None  # it is required
    from galedge.answers.result import columns
    from galedge.core.backend import SLOW, is_compiled
    from galedge.images.complete import is_complete
    from galedge.nights.nightlog import NightLog
    from galedge.nights.watch import Scanner, Watch
    from galedge.support.waiter import Waiter

    log = Log("classified", writing.quiet, bar=False)
    if not is_compiled:
        log.note(SLOW)
    waiter = Waiter()
    signal.signal(signal.SIGTERM, waiter.stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, waiter.stop)
    classifier = load_classifier(reading, running, quiet=writing.quiet)
    stream = nights.copying(keeping, [folder], classifier.stream)

    def complete(path: str) -> bool:
        # Once, there is no time for patience but the file's own.
        return is_complete(path, reading.hdu) or (looking.once and _age(path) > looking.patience)

    with ExitStack() as stack:
        place = nights.open_quarantine(keeping, [folder])
        if place is not None:
            stack.enter_context(place)
        names = columns(classifier.model.heads)
        table = stack.enter_context(NightLog(output, names, nights.binding(classifier)))

        def written(row: Row, found: Found) -> None:
            log.count(row)
            nights.set_aside(place, row)

        look = _look(folder, looking, waiter if looking.inotify else None, log.note)
        scanner = Scanner(look, complete, table.is_done, looking.settle, looking.patience)
        night = Watch(scanner, stream, table, waiter, written, log.note)
        log.note(f"watching {folder}; {counted(len(table), 'image')} done before")
        if looking.once:
            night.once(looking.settle)
        else:
            night.run(looking.interval, _IDLE_SECONDS if looking.inotify else looking.interval)
    waiting = scanner.pending
    log.end(log.summary() + (f"; {waiting:,} not complete yet" if waiting else ""))
    if looking.once and log.rejected:
        raise click.exceptions.Exit(REJECTED)


def _age(path: str) -> float:
    """Return how many seconds ago a file was changed, by the clocks of file and machine."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0


def _look(
    folder: str,
    looking: Looking,
    waiter: Waiter | None,
    note: Callable[[str], None],
) -> Callable[[], Iterator[Found]]:
    """Return what lists the files that are there, telling once of what is none."""
    from fnmatch import fnmatchcase

    from galedge.images.inputs import NO_IMAGES, Rejected, find, is_image, stamp_of
    from galedge.nights.watch import Found

    told: set[Rejected] = set()

    def chosen(name: str) -> bool:
        return is_image(name) if looking.pattern is None else fnmatchcase(name, looking.pattern)

    def look() -> Iterator[Found]:
        missed = set()
        entered = waiter.follow if waiter is not None else None
        for item in find([folder], chosen=chosen, recursive=looking.recursive, entered=entered):
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
