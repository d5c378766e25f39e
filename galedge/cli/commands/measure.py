"""``galedge measure``."""

from __future__ import annotations

from galedge.cli import options
from galedge.cli.run import tabulate
from galedge.cli.settings import HDUS, Reading, Running, Writing, paths

__all__ = ["measure"]


@options.command
@paths
@options.takes(Writing, "output", "json", "quiet")
@options.takes(Reading, without=["order", "frame"], hdu=HDUS)
@options.takes(Running, "workers")
def measure(paths: tuple[str, ...], writing: Writing, reading: Reading, running: Running) -> None:
    """Measure structure: concentration, asymmetry, smoothness, Gini, M20, shape.

    Images are found, and rows written, as by classify. Needs linear pixels, and
    Numba: pip install 'galedge[measure]'.
    """
    writing.spare(paths)
    from galedge.answers.measure import COLUMNS, Measurer

    measurer = Measurer(
        workers=running.workers,
        hdu=reading.hdu,
        plane=reading.plane,
        verify=reading.verify,
        any_kind=reading.any_kind,
    )
    tabulate(paths, writing, COLUMNS, measurer.stream, "measured")
