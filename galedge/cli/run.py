"""A run over many images: one row each, progress, rejections, and the exit code."""

from __future__ import annotations

import sys
import time
from collections import ChainMap
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import click

from galedge.support.say import counted, duration, is_terminal, say
from galedge.support.system import as_typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
    from contextlib import AbstractContextManager

    from galedge.cli.settings import Writing
    from galedge.nights.journal import Stream
    from galedge.tables.columns import Column
    from galedge.tables.drift import Monitor
    from galedge.tables.gallery import Gallery
    from galedge.tables.rows import Outcome

__all__ = ["FATAL", "INTERRUPTED", "REJECTED", "Log", "tabulate"]

FATAL, REJECTED, INTERRUPTED = 1, 3, 130  # 2 is click's, for wrong usage

_Outcome = TypeVar("_Outcome", bound="Outcome")

# What flags of images suggest, once for a run.
_HINTS = {
    "many_sources": "many sources, none of which fills the image; --detect finds those of a frame",
    "other_hdus": "the file holds further images; --hdu all makes a row of each",
}

_SHOWN_REJECTIONS = 10  # on standard error; the table has them all


def tabulate(
    paths: Sequence[str],
    writing: Writing,
    columns: Sequence[str | Column],
    stream: Stream,
    done: str,
    *,
    noun: str = "image",
    about: MutableMapping[str, str] | None = None,
    then: Callable[[], object] | None = None,
    kept: str | None = None,
    page: Gallery | None = None,
    drift: Monitor | None = None,
) -> None:
    """Write the rows of the images that `paths` stand for, and leave by the exit code.

    One row for each image; or, where `noun` says what else, any number. `about` is
    what makes the rows, for tables that can hold it, as it is when all have come. `then` is
    called when the table is complete; `kept` says what is left when it is not. With `page`
    rows go to it, and to no table. What `drift` sees is told, and `about` has it.
    """
    from galedge.core.backend import SLOW, is_compiled
    from galedge.images.inputs import find
    from galedge.tables.catalog import open_table

    output = writing.output
    free = output is not None or not is_terminal(sys.stdout)
    log = Log(done, writing.quiet, bar=free, noun=noun)
    if not is_compiled:
        log.note(SLOW)
    try:
        # Not a copy: rows may tell more of what makes them as they come.
        made_by = ChainMap({} if about is None else about, {"command": command_line()})
        # What is kept from killed runs is locked: the table is this run's alone.
        alone = kept is not None
        # The page is completed last: should that fail, the table is there.
        with (
            page or _gallery(writing.gallery, columns, made_by) as shown,
            open_table(output, columns, made_by, json=writing.json, alone=alone)
            if page is None
            else nullcontext() as table,
        ):
            passed: list[str] = []
            inputs = list(find(paths, passed=passed.append))
            writing.spare(inputs)
            total = len(inputs) if noun == "image" else None
            for result in log.watch(stream(inputs), total):
                row = result.as_row()
                if table is not None:
                    table.write(row)
                log.heed(row)
                if drift is not None:
                    drift.add(row)
                if shown is not None:
                    upwards = getattr(result, "upwards", False)
                    shown.add(row, getattr(result, "pixels", None), upwards=upwards)
            if drift is not None and drift.changes and about is not None:
                about["drift"] = drift.columns
        if then is not None:
            then()
    except KeyboardInterrupt:
        kept = kept or ("no table was written" if output else "the rows so far are complete")
        log.end(f"interrupted after {log.done:,} {noun}s; {kept}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # as in `galedge classify ... | head`
        return
    finally:
        log.close()
    others = f"; {counted(len(passed), 'file')} of other kinds passed over" if passed else ""
    if drift is not None and drift.changes:
        log.note(drift.sentence())
    log.end(log.summary() + others)
    if log.rejected:
        raise click.exceptions.Exit(REJECTED)


def _gallery(
    path: str | None, columns: Sequence[str | Column], about: Mapping[str, str]
) -> AbstractContextManager[Gallery | None]:
    if path is None:
        return nullcontext()
    from galedge.tables.gallery import Gallery

    return Gallery(path, columns, about)


def command_line() -> str:
    """Return the command line as a shell would take it."""
    return as_typed(["galedge", *(click.get_current_context().find_root().obj or ())])


class Log:
    """What a run says on standard error: progress, rejections, a summary."""

    def __init__(self, verb: str, quiet: bool, bar: bool, noun: str = "image") -> None:
        self.done = self.rejected = 0
        self._flagged: dict[str, int] = {}
        self._verb = verb
        self._noun = noun
        self._quiet = quiet
        self._start = time.perf_counter()
        self._wants_bar = bar and not quiet and is_terminal(sys.stderr)
        self._bar: Any = None

    def watch(self, results: Iterable[_Outcome], total: int | None) -> Iterable[_Outcome]:
        """Pass results on, and say how it goes."""
        if self._wants_bar:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {self._noun}s", leave=False, dynamic_ncols=True)
        for result in results:
            yield result
            self.count(result)

    def count(self, result: Outcome) -> None:
        """Take note of a result."""
        self.done += 1
        if self._bar is not None:
            self._bar.update()
        if result.error is not None:
            self.rejected += 1
            self._reject(result.path, result.error)

    def heed(self, row: Mapping[str, Any]) -> None:
        """Take note of flags that suggest something."""
        flags = row.get("flags")
        if flags and self._verb == "classified":
            for flag in _HINTS.keys() & flags.split(";"):
                self._flagged[flag] = self._flagged.get(flag, 0) + 1

    def _reject(self, path: str, error: str) -> None:
        if self._quiet or self.rejected > _SHOWN_REJECTIONS + 1:
            return
        if self.rejected > _SHOWN_REJECTIONS:
            message = "further rejections are listed in the table only"
        else:
            message = f"{path}: {error}"
        if self._bar is not None:
            self._bar.clear()
        say(message)

    def summary(self) -> str:
        """Return how many, how long, how fast."""
        seconds = time.perf_counter() - self._start
        count = self.done - self.rejected
        text = f"{self._verb} {counted(count, self._noun)} in {duration(seconds)}"
        text += f" ({self.done / max(seconds, 1e-9):,.0f}/s)"
        return text + (f"; {self.rejected:,} rejected" if self.rejected else "")

    def close(self) -> None:
        """Take the progress bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def note(self, text: str) -> None:
        """Say something unless told to be quiet."""
        if not self._quiet:
            say(text)

    def end(self, text: str) -> None:
        """Say the last word, and before it what flags suggest."""
        self.close()
        for flag, hint in _HINTS.items():
            if flag in self._flagged:
                self.note(f"{flag}, of {counted(self._flagged[flag], self._noun)}: {hint}")
        self.note(text)
