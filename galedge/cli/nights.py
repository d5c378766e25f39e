"""Options for nights that go on by themselves, and what they set up."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from galedge.support.say import printable, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.images.inputs import Rejected
    from galedge.nights.journal import Stream
    from galedge.nights.quarantine import Quarantine
    from galedge.tables.rows import Row

__all__ = [
    "binding",
    "config",
    "open_quarantine",
    "quarantine",
    "quarantine_move",
    "refuse_inside",
    "safeguarded",
    "set_aside",
    "write_back",
]


def _configure(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Take defaults from a file, for the options after this eager one."""
    if value is None or context.resilient_parsing:
        return
    from galedge.support.config import read_config

    assert context.info_name is not None
    names = {p.name: p for p in context.command.params if p.name and p.name != "config"}
    settings = read_config(value, context.info_name, names)
    for name, setting in settings.items():
        several = names[name].nargs == -1
        if isinstance(setting, dict) or isinstance(setting, list) != several:
            wanted = "a list" if several else "one value"
            raise click.UsageError(f"{printable(value)}: {name.replace('_', '-')} must be {wanted}")
    context.default_map = settings


config = click.option(
    "--config",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_configure,
    help="Take options from this TOML file; those given here come before it.",
)
quarantine = click.option(
    "--quarantine",
    metavar="FOLDER",
    help="List rejected files, with reasons, in rejected.jsonl in this folder.",
)
quarantine_move = click.option(
    "--quarantine-move",
    is_flag=True,
    help="Also move them there. Default: raw data stay where they are.",
)
write_back = click.option(
    "--write-back",
    metavar="FOLDER",
    help="Put copies of the FITS files here, with the answer in their headers.",
)


def refuse_inside(option: str, folder: str | None, paths: Sequence[str]) -> None:
    """Refuse a folder for results in which images are looked for."""
    import os

    from galedge.nights.quarantine import holds

    for path in paths:
        if folder is not None and os.path.isdir(path) and holds(path, folder):
            raise click.UsageError(
                f"{option} {printable(folder)}: lies in {printable(path)}, where images are looked "
                "for; choose a folder outside"
            )


def binding(classifier: Classifier) -> dict[str, object]:
    """Return what rows depend on besides their files."""
    return {
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
        "hdu": classifier.hdu,
        "plane": classifier.plane,
        "views": classifier.views,
        "verify": classifier.verify,
    }


def open_quarantine(folder: str | None, roots: Sequence[str], moves: bool) -> Quarantine | None:
    """Return the quarantine that the options ask for."""
    if folder is None:
        if moves:
            raise click.UsageError("--quarantine-move needs --quarantine FOLDER")
        return None
    if moves:
        refuse_inside("--quarantine", folder, roots)
    from galedge.nights.quarantine import Quarantine

    return Quarantine(folder, roots, moves=moves)


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
    classifier: Classifier,
    paths: Sequence[str],
    resumable: str | None,
    *,
    write_back: str | None,
    quarantine: str | None,
    moves: bool,
) -> Iterator[Run]:
    """Yield a run with copies, a journal for the table `resumable`, and a quarantine."""
    from galedge.nights.journal import Journal
    from galedge.nights.writeback import WriteBack

    refuse_inside("--write-back", write_back, paths)
    with ExitStack() as stack:
        place = open_quarantine(quarantine, paths, moves)
        stream: Stream = classifier.stream
        journal: Journal | None = None
        kept: str | None = None
        if place is not None:
            stack.enter_context(place)
        if write_back is not None:  # before a row counts as done
            stream = WriteBack(write_back, paths, say).stream(stream)
        if resumable is not None:
            choice = classifier.model.choice  # engines round differently
            engine = {"engine": choice.engine, "device": choice.device, "half": choice.half}
            engine["verify"] = classifier.verify
            journal = stack.enter_context(Journal(resumable, binding(classifier) | engine))
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
