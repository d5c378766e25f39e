"""Print the tables of this README.md, and of the project's, from the results beside it.

    python benchmarks/tables.py

Whatever is quoted elsewhere comes from here too; `tests/docs/test_figures.py` holds both to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def load(name: str) -> Any:
    """Return one script's results."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def head(*cells: str) -> list[str]:
    """Return the first two lines of a Markdown table."""
    return [row(*cells), "|---" * len(cells) + "|"]


def machine(result: Any) -> str:
    """Return a line on what a result was measured on."""
    found = result["machine"]
    able = ", ".join(found["int8"]) or "no int8 instructions"
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items() if v)
    return f"Machine: {found['cpu']}, {found['cpus']} CPUs, {able}; {versions}."


def rates(result: Any, name: str) -> list[str]:
    """Return a contender's images a second of each kind of input, empty where it had none."""
    found = (each["images_per_second"].get(name) for each in result["rows"])
    return ["" if rate is None else f"{rate:,.0f}" for rate in found]


def preparing() -> list[str]:
    """Return the table of reading and preparing."""
    result = load("read_and_prepare")
    stacks = ("galedge", "rustfits+sep+OpenCV", "fitsio+sep+OpenCV", "astropy+photutils")
    lines = head("input", *(f"{s} (µs)" for s in stacks), "times best", "times astropy", "")
    for each in result["rows"]:
        if "times_best_stack" not in each:
            continue
        times = each["microseconds"]
        times.setdefault("rustfits+sep+OpenCV", times.get("sep", float("nan")))
        cells = [f"{times[s]:,.0f}" if s in times else "" for s in stacks]
        goal, goal_astropy = each["goals"]
        lines.append(
            row(
                each["input"],
                *cells,
                f"{each['times_best_stack']:.1f} ({goal})",
                f"{each['times_astropy']:.0f} ({goal_astropy})",
                "" if each["met"] else "not met",
            )
        )
    return [*lines, "", machine(result)]


def whole() -> list[str]:
    """Return the tables of whole processes."""
    result = load("whole_process")
    names = list(result["rows"][0]["images_per_second"])
    lines = head("images/s", *(each["input"] for each in result["rows"]))
    for name in names:
        lines.append(row(name, *rates(result, name)))
    lines += ["", *head("ratio (goal)", *(each["input"] for each in result["rows"]))]
    for name in result["rows"][0]["ratios"]:
        cells = []
        for each in result["rows"]:
            if name not in each["ratios"]:
                cells.append("")
                continue
            mark = "" if each["met"].get(name, True) else " **not met**"
            goal = f" ({each['goals'][name]})" if name in each["goals"] else ""
            cells.append(f"{each['ratios'][name]:.2f}{goal}{mark}")
        lines.append(row(name, *cells))
    return [*lines, "", machine(result)]


def answers() -> list[str]:
    """Return the table of single answers and cold starts."""
    result = load("answer_times")
    ms, cold, ratios = result["array_ms"], result["cold_seconds"], result["cold_ratios"]
    lines = head("", "measured", "goal")
    lines.append(row("one 128 x 128 array, median", f"{ms['median']:.2f} ms", "1 ms"))
    lines.append(row("one 128 x 128 array, 99th percentile", f"{ms['p99']:.2f} ms", "2.5 ms"))
    for threads, rate in result["one_classifier_images_per_second_by_threads"].items():
        lines.append(
            row(f"one classifier called from {threads} threads", f"{rate:,.0f} images/s", "")
        )
    for name, seconds in cold.items():
        lines.append(row(f"`{name}`, cold", f"{seconds * 1e3:.0f} ms", ""))
    lines.append(row("`galedge --help` over `import click`", f"{ratios['help']:.2f}", "3"))
    lines.append(
        row("one file over `import numpy, onnxruntime`", f"{ratios['one file']:.2f}", "2.5")
    )
    return [*lines, "", machine(result)]


def night() -> list[str]:
    """Return the line on a long night."""
    result = load("long_night")
    memory = ", ".join(
        f"{int(count):,}: {value:.1f}" for count, value in result["resident_mib_by_rows"].items()
    )
    rate = result["images"] / result["seconds"]
    return [
        f"{result['images']:,} cutouts of 128 x 128 in {result['seconds']:.0f} s ({rate:,.0f} "
        f"images/s, CSV through a pipe). Resident memory (MiB) after so many rows: {memory}.",
        "",
        machine(result),
    ]


def scaling() -> list[str]:
    """Return the tables behind the plot."""
    result = load("scaling")
    lines = []
    for name, values in result["images_per_second"].items():
        lines += [
            *head(name, *values),
            row("images/s", *(f"{v:,.0f}" for v in values.values())),
            "",
        ]
    return [*lines, machine(result)]


def front() -> list[str]:
    """Return the lines of README.md's table, docs/performance.md's, and README.md's sentence."""
    result = load("whole_process")
    first = result["rows"][0]["images_per_second"]
    cpus = result["machine"]["cpus"]
    called = {
        "galedge": "`galedge classify`, one core",
        "galedge, all CPUs": f"`galedge classify`, {cpus} CPUs",
        "galedge --model hubble-1": "the same with `hubble-1`, one core",
        "bare": "bare: the bytes read, the network run",
    }
    lines = head("images/s, whole process", *(each["input"] for each in result["rows"]))
    for name in first:
        lines.append(row(called.get(name, f"{name}, one core"), *rates(result, name)))
    best, astropy = "times rustfits/fitsio + sep + OpenCV", "times astropy + photutils"
    lines += ["", *head("input", "µs an image", best, astropy)]
    for each in load("read_and_prepare")["rows"]:
        if "times_best_stack" in each:
            own = f"{each['microseconds']['galedge']:,.0f}"
            ratios = f"{each['times_best_stack']:.1f}", f"{each['times_astropy']:.0f}"
            lines.append(row(each["input"], own, *ratios))
    times = load("answer_times")
    ms, cold = times["array_ms"], times["cold_seconds"]
    return [
        *lines,
        "",
        f"One 128² array from Python takes {ms['median']:.2f} ms (99th percentile "
        f"{ms['p99']:.2f}); `galedge --help` {1e3 * cold['galedge --help']:.0f} ms, one file from "
        f"a cold start {1e3 * cold['galedge classify one.fits']:.0f} ms.",
    ]


if __name__ == "__main__":
    for title, lines in (
        ("Reading and preparing one galaxy to 64 x 64, one core", preparing()),
        ("The whole process on folders of FITS cutouts, one core", whole()),
        ("One answer", answers()),
        ("A long night", night()),
        ("Threads, image size, batch", scaling()),
        ("The project's README.md and docs/performance.md", front()),
    ):
        print(f"## {title}\n\n" + "\n".join(lines) + "\n")
