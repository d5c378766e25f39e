"""``galedge benchmark``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from galedge.cli import options
from galedge.cli.settings import Running, Writing
from galedge.support.say import print_text, say

if TYPE_CHECKING:
    from galedge.cli.timing import Report

__all__ = ["benchmark"]


@options.command
@options.takes(Running, "model")
@click.option("--data", metavar="FOLDER", help="Measure on these images. Default: generated ones.")
@click.option("--compare", is_flag=True, help="Against Python stacks too, those installed here.")
@click.option("--json", is_flag=True, help="Print all of it as JSON.")
@options.takes(Writing, "quiet")
def benchmark(
    running: Running, data: str | None, compare: bool, json: bool, writing: Writing
) -> None:
    """Measure galedge on this machine, in under a minute.

    Stages, engines, the latency of one image, and scaling over threads; what
    limits this machine, and the best setting for it. Needs no data. Leave the
    machine alone meanwhile.
    """
    from galedge.cli.timing import run

    def note(text: str) -> None:
        if not writing.quiet:
            say(text)

    report = run(running.model, data, compare=compare, note=note)
    if json:
        from json import dumps

        print_text(dumps(report.as_json(), indent=1))
    else:
        print_text("\n".join(_lines(report)))


def _lines(report: Report) -> list[str]:
    """Return a report as a page of text."""
    cpus = report.machine["cpus"]
    int8 = ", ".join(report.machine["int8"]) or "no instructions of its own"
    lines = [
        f"{report.machine['cpu']}, {cpus} CPU{'s' * (cpus > 1)}, int8 by {int8}",
        f"galedge {report.version}, {report.model}, {report.engine} {report.precision}; "
        f"{report.images}",
        "",
        f"{'one thread':<18}{'an image':>11}{'images/s':>11}{'share':>8}{'memory':>10}",
    ]
    for stage in report.stages:
        share = "" if stage.share is None else f"{stage.share:.0%}"
        memory = "" if stage.memory is None else f"{stage.memory:,.0f} MiB"
        rate = f"{1 / stage.image:,.0f}" if stage.image else ""
        name = stage.name if stage.share is not None else f"  {stage.name}"
        lines.append(f"{name:<18}{stage.image * 1e6:>8,.1f} us{rate:>11}{share:>8}{memory:>10}")
    lines += ["", f"{'threads':<18}{'images/s':>11}{'times one':>12}"]
    for step in report.scaling:
        lines.append(
            f"{step['workers']:<18}{step['images_per_second']:>11,.0f}{step['times']:>12.2f}"
        )
    lines += ["", f"{'engine, all CPUs':<28}{'start':>8}{'an image':>11}{'images/s':>11}"]
    for speed in report.engines:
        name = " ".join(speed[key] for key in ("engine", "device", "precision"))
        lines.append(
            f"{name:<28}{speed['start']:>6.2f} s{speed['image'] * 1e6:>8,.1f} us"
            f"{1 / speed['image']:>11,.0f}"
        )
    lines += [f"not here: {reason}" for reason in report.missing]
    latency = ", ".join(f"{name} {value * 1e3:.2f}" for name, value in report.latency.items())
    lines += ["", f"one image in memory, in ms: {latency}"]
    if report.rivals:
        lines += ["", f"{'the same network, one thread':<44}{'an image':>11}{'galedge is':>14}"]
        for rival in report.rivals:
            lines.append(
                f"{rival['stack']:<44}{rival['image'] * 1e6:>8,.0f} us"
                f"{rival['times']:>7.1f} times faster"
            )
    return [*lines, "", report.verdict]
