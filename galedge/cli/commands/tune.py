"""``galedge tune``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from galedge.cli import options
from galedge.cli.options import Option
from galedge.cli.settings import Reading, Running, folder
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["tune"]

_LABELS = "Labels"
_KINDS = ("classes", "yesno", "number")


def _kinds(
    context: click.Context, option: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Check ``--kind``: COLUMN=KIND."""
    kinds = {}
    for value in values:
        name, equals, kind = value.rpartition("=")
        if not equals or not name or kind not in _KINDS:
            raise click.BadParameter(
                f"{value!r} is not of the form COLUMN=KIND with a kind of {', '.join(_KINDS)}"
            )
        kinds[name] = kind
    return kinds


@options.command
@click.argument("labels", metavar="LABELS")
@folder("Write the tuned model here; made if need be.")
@click.option(
    "asked",
    "--column",
    cls=Option,
    section=_LABELS,
    multiple=True,
    metavar="NAME",
    help="A column of labels; may be given again. Default: all but those of files and places.",
)
@click.option(
    "kinds",
    "--kind",
    cls=Option,
    section=_LABELS,
    multiple=True,
    callback=_kinds,
    metavar="COLUMN=KIND",
    help="What a column holds, where its cells do not tell: classes, yesno or number.",
)
@click.option(
    "--file",
    cls=Option,
    section=_LABELS,
    metavar="NAME",
    help="The column of files. Default: file, path, filename, image ...",
)
@click.option(
    "--group",
    cls=Option,
    section=_LABELS,
    metavar="NAME",
    help="A column that says which pictures are of one galaxy, so that none is learned from "
    "and tried on. Default: each is a galaxy, but for equal ones.",
)
@click.option(
    "--images",
    cls=Option,
    section=_LABELS,
    metavar="FOLDER",
    help="Where the names of files start from. Default: the folder of the table.",
)
@click.option(
    "within",
    "--in",
    cls=Option,
    section=_LABELS,
    metavar="FRAME",
    help="The frame that all rows are sources of, of a table without a column of files.",
)
@click.option(
    "--name",
    cls=Option,
    section=_LABELS,
    metavar="NAME",
    help="What the new head is called. Default: as its column.",
)
@click.option(
    "--primary",
    cls=Option,
    section=_LABELS,
    metavar="NAME",
    help="Head or column of classes that gives label and probability, new or of the model that "
    "is tuned. Default: the one that gives them in that model.",
)
@click.option(
    "--new",
    cls=Option,
    section=_LABELS,
    is_flag=True,
    default=False,
    help="Learn a new head also where labels are those of one that is there. Default: that one "
    "is adapted to pictures like these.",
)
@click.option(
    "--anyway",
    cls=Option,
    section=_LABELS,
    is_flag=True,
    default=False,
    help="Write also what held-out galaxies cannot tell from chance.",
)
@options.takes(Where, "columns", "one_based", "size", "bands")
@options.takes(Reading, without=["verify"])
@options.takes(Running, "model", "workers")
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    default=False,
    help="Nothing on standard error but failures.",
)
def tune(
    labels: str,
    folder: str,
    asked: tuple[str, ...],
    kinds: dict[str, str],
    file: str | None,
    group: str | None,
    images: str | None,
    name: str | None,
    primary: str | None,
    new: bool,
    anyway: bool,
    within: str | None,
    where: Where,
    reading: Reading,
    running: Running,
    quiet: bool,
) -> None:
    """Teach the model a question of your own.

    LABELS is a table of files and labels, or of sources in frames, or a folder of folders named
    by class. Writes a
    model for --model of every command, and prints what it is worth on galaxies that were held
    out. Needs scikit-learn: pip install 'galedge[tune]'.
    """
    from galedge.support.say import is_terminal, print_text, say
    from galedge.tuning.report import lines
    from galedge.tuning.tune import tune as learn

    bar = None
    if not quiet and is_terminal(sys.stderr):
        from tqdm import tqdm

        bar = tqdm(unit=" pictures", leave=False, dynamic_ncols=True)

    def told(done: int, total: int) -> None:
        if bar is not None:
            bar.total = total
            bar.update(done - bar.n)

    try:
        tuned = learn(
            labels,
            folder,
            model=running.model,
            columns=asked,
            kinds=kinds,
            file=file,
            group=group,
            images=images,
            name=name,
            primary=primary,
            new=new,
            anyway=anyway,
            within=within,
            roles=where.columns,
            one_based=where.one_based,
            size=where.size,
            bands=where.bands,
            told=told,
            workers=running.workers,
            **reading.asked(),
        )
    finally:
        if bar is not None:
            bar.close()
    if not quiet:
        for note in tuned.notes:
            say(note)
    for line in lines(tuned):
        print_text(line)
