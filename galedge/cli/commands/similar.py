"""``galedge similar``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from galedge.cli import options
from galedge.cli.options import Option, Whole
from galedge.cli.settings import Reading, Running, Writing
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.images.inputs import Rejected

__all__ = ["similar"]


@options.command
@click.argument("queries", metavar="QUERY...", nargs=-1)
@click.option(
    "among",
    "--among",
    cls=Option,
    section=Writing.SECTION,
    metavar="FILE",
    required=True,
    help="Table of what is searched, as galedge embed wrote it.",
)
@click.option(
    "-n",
    "--number",
    cls=Option,
    section=Writing.SECTION,
    type=Whole(1),
    default=20,
    show_default=True,
    metavar="N",
    help="Neighbours of each query, or the oddest of all.",
)
@click.option(
    "--odd",
    cls=Option,
    section=Writing.SECTION,
    is_flag=True,
    help="Give the least typical of all, the oddest first.",
)
@options.takes(Writing, without=["overlay", "reference"])
@options.takes(Where, without=["paths", "keep", "bands"])
@options.takes(Reading)
@options.takes(Running, "model", "engine", "device", "precision", "views", "workers")
def similar(
    queries: tuple[str, ...],
    among: str,
    number: int,
    odd: bool,
    writing: Writing,
    where: Where,
    reading: Reading,
    running: Running,
) -> None:
    """Find the images that are most like QUERY, or the oddest, in a table of features.

    One row for each neighbour, nearest first, behind the row of its query, whose rank is 0.
    All are compared, by the distance of their embeddings. With --catalog or --detect QUERY are
    frames, and each source in them is one.
    """
    writing.spare([*queries, among, *where.named])
    from galedge.cli.likeness import Likeness
    from galedge.cli.run import tabulate
    from galedge.tables.features import read_features

    found = Likeness(read_features(among), reading, running, writing)

    def stream(files: list[str | Rejected]) -> Iterator[Any]:
        return found.odd(number) if odd else found.near(files, number, where)

    tabulate(queries, writing, found.columns, stream, "listed", noun="row", about=found.about)
