"""``galedge measure``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.run import refuse_overwriting, tabulate

__all__ = ["measure"]


@click.command()
@options.paths
@options.output
@options.json
@options.workers
@options.hdu
@options.plane
@options.verify
@options.quiet
def measure(
    paths: tuple[str, ...],
    output: str | None,
    json: bool,
    workers: int | None,
    hdu: int | None,
    plane: int | None,
    verify: bool,
    quiet: bool,
) -> None:
    """Measure structure: concentration, asymmetry, smoothness, Gini, M20, shape.

    Images are found, and rows written, as by classify. Needs linear pixels, and
    Numba: pip install 'galedge[measure]'.
    """
    refuse_overwriting(output, paths)
    from galedge.answers.measure import COLUMNS, Measurer

    measurer = Measurer(workers=workers, hdu=hdu, plane=plane, verify=verify)
    tabulate(paths, output, COLUMNS, measurer.stream, "measured", quiet, json=json)
