"""What makes a run safe: a journal, copies with the answers, and a quarantine."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galedge.cli.load import provenance
from galedge.cli.run import command_line
from galedge.support.say import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Keeping
    from galedge.images.inputs import Rejected
    from galedge.nights.journal import Stream
    from galedge.nights.nightpage import NightPage
    from galedge.nights.quarantine import Quarantine
    from galedge.tables.columns import Column
    from galedge.tables.rows import Row

__all__ = ["binding", "copying", "open_page", "open_quarantine", "safeguarded", "set_aside"]


def binding(classifier: Classifier) -> dict[str, object]:
    """Return what rows depend on besides their files."""
    return {
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
        "hdu": classifier.hdu,
        "plane": classifier.plane,
        "order": classifier.order,
        "views": classifier.views,
        "label_all": classifier.label_all,
        "sets": classifier.sets,
        "prior": classifier.prior,
        "verify": classifier.verify,
        "any_kind": classifier.any_kind,
    }


def open_quarantine(keeping: Keeping, roots: Sequence[str]) -> Quarantine | None:
    """Return the quarantine that was asked for."""
    if keeping.quarantine is None:
        return None
    from galedge.nights.quarantine import Quarantine

    return Quarantine(keeping.quarantine, roots, moves=keeping.quarantine_move)


def copying(keeping: Keeping, roots: Sequence[str], stream: Stream) -> Stream:
    """Return a stream that also writes the copies that were asked for."""
    if keeping.write_back is None:
        return stream
    from galedge.nights.writeback import WriteBack

    return WriteBack(keeping.write_back, roots, say).stream(stream)


def open_page(
    path: str | None,
    columns: Sequence[Column],
    classifier: Classifier,
    note: Callable[[str], None],
) -> NightPage | None:
    """Return the page that was asked for; one that is there is gone on with."""
    if path is None:
        return None
    from galedge.nights.nightpage import NightPage
    from galedge.tables.gallery import Gallery

    about = {"command": command_line(), **provenance(classifier)}
    gallery = Gallery(path, columns, about, goes_on=True)
    if os.path.exists(path) and not gallery.taken_over:
        note(f"{path}: holds no page to go on with; it is begun anew")
    return NightPage(gallery, note)


def set_aside(place: Quarantine | None, row: Row) -> None:
    """Put a rejected file into the quarantine, if there is one."""
    if place is not None and row.error is not None:
        failure = place.add(row)
        if failure is not None:
            say(failure)


@dataclass(frozen=True, slots=True)
class Run:
    """A run over files, made safe: what it does instead of the plain one.

    Attributes
    ----------
    stream : function
        From files to rows.
    finish : function
        Called when the table is complete.
    kept : str or None
        What there is when it is not.
    """

    stream: Stream
    finish: Callable[[], None]
    kept: str | None


@contextmanager
def safeguarded(
    classifier: Classifier, keeping: Keeping, paths: Sequence[str], table: str | None
) -> Iterator[Run]:
    """Yield a run with what `keeping` asks for: copies, a journal of `table`, a quarantine."""
    from galedge.nights.journal import Journal

    with ExitStack() as stack:
        stream = copying(keeping, paths, classifier.stream)  # before a row counts as done
        place = open_quarantine(keeping, paths)
        journal: Journal | None = None
        kept: str | None = None
        if place is not None:
            stack.enter_context(place)
        if keeping.resume and table is not None:
            choice = classifier.model.choice  # engines round differently
            engine = {"engine": choice.engine, "device": choice.device, "half": choice.half}
            journal = stack.enter_context(Journal(table, binding(classifier) | engine))
            stream = journal.stream(stream)
            kept = f"{journal.path} holds what is done: repeat the command to go on"
        rejected: list[Row] = []

        def remembering(inputs: list[str | Rejected]) -> Iterator[Row]:
            for row in stream(inputs):
                if row.error is not None and place is not None:
                    rejected.append(row)
                yield row

        def finish() -> None:
            if journal is not None:
                journal.remove()
            for row in rejected:  # now: a run begun again would not find what was moved
                set_aside(place, row)

        yield Run(remembering, finish, kept)
