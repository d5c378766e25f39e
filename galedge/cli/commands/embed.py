"""``galedge embed``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galedge.cli import options
from galedge.cli.settings import HDUS, Reading, Running, Writing
from galedge.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from galedge.images.inputs import Rejected
    from galedge.tables.rows import Row

__all__ = ["embed"]


@options.command
@options.takes(Writing, without=["overlay", "reference"])
@options.takes(Where)
@options.takes(Reading, hdu=HDUS)
@options.takes(Running)
def embed(writing: Writing, where: Where, reading: Reading, running: Running) -> None:
    """Write what images are like: the network's embedding, a few hundred numbers each.

    Images are found, and rows written, as by classify; column embedding is a
    vector in Parquet and FITS, elsewhere columns embedding_0, embedding_1 ...
    Galaxies that look alike have nearly the same numbers: galedge similar, galedge label,
    and scikit-learn can start from the table.
    """
    writing.spare(where.named)
    from galedge.answers.featured import SIDE, Featured, feature_column
    from galedge.answers.result import columns
    from galedge.cli.load import fitting, load_classifier, provenance
    from galedge.cli.run import tabulate
    from galedge.cli.survey import rows_of

    classifier = load_classifier(
        reading,
        running,
        quiet=writing.quiet,
        keep_pixels=writing.gallery is not None,
        keep_embedding=True,
    )
    head = classifier.model.heads.embedding
    assert head is not None
    more = [SIDE] * where.in_frames + [feature_column(head.size)]
    each = rows_of(classifier, [*columns(classifier.heads), *more], where)

    about = provenance(classifier)
    answered: Callable[[list[str | Rejected]], Iterable[Row]] = each.stream
    if running.prior == "fit":
        answered = fitting(classifier, about, writing.quiet, each.stream)

    def stream(found: list[str | Rejected]) -> Iterator[Row]:
        rows: Iterable[Row] = answered(found)
        return map(Featured, rows)

    tabulate(
        where.searched,
        writing,
        each.columns,
        stream,
        "embedded",
        noun=each.noun,
        about=about,
    )
