"""``galedge classify --dask``: parts by a cluster, and the log of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from galedge.cli.run import INTERRUPTED, REJECTED, Log, command_line

if TYPE_CHECKING:
    from galedge.cli.settings import Writing

__all__ = ["classify_on"]


class _Image(NamedTuple):
    """One image of a part; the workers wrote its row."""

    path: str
    error: str | None


def classify_on(
    address: str,
    paths: Sequence[str],
    writing: Writing,
    options: Mapping[str, Any],
    about: Mapping[str, str],
) -> None:
    """Classify what `paths` stand for on the cluster at `address`, into the folder ``-o``."""
    from galedge.images.inputs import find
    from galedge.nights.scale.dask import classify_parts

    log = Log("classified", writing.quiet, bar=True)
    sources = list(find(paths))
    assert writing.output is not None  # by the rules
    about = {"command": command_line(), **about}
    parts = classify_parts(address, sources, writing.output, options, about)

    def images() -> Iterable[_Image]:
        for path, rows, rejected in parts:
            yield from (_Image(*image) for image in rejected)
            yield from (_Image(path, None) for _ in range(rows - len(rejected)))

    try:
        for _ in log.watch(images(), len(sources)):
            pass
    except KeyboardInterrupt:
        log.end(f"interrupted after {log.done:,} images; their parts are complete")
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        log.close()
    log.end(log.summary())
    if log.rejected:
        raise click.exceptions.Exit(REJECTED)
