"""The figures that pages quote are those of the JSON files that they were measured into."""

import importlib.util
import json
import re

import pytest
from helpers.house import ROOT

from galedge.network.model import find_card

CAMERAS = {"hubble-2": "cameras-2.json", "hubble-1": "cameras.json"}


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks/tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name):
    return (ROOT / name).read_text()


def through(model):
    """Return what `training evaluate` found of a model through cameras, by source and camera."""
    found = json.loads(page(f"training/results/{CAMERAS[model]}"))["bundles"]
    return next(bundle["sets"] for bundle in found if bundle["model"] == model)


@pytest.mark.parametrize("name", ["preparing", "whole", "answers", "night", "scaling"])
def test_benchmarks_are_those_of_the_results(tables, name):
    lines = page("benchmarks/README.md").splitlines()
    assert [line for line in getattr(tables, name)() if line and line not in lines] == []


def test_the_front_page_has_them_too(tables):
    *rows, times = tables.front()
    lines = page("README.md").splitlines()
    preparing = rows.index("", 1)
    assert [line for line in rows[:preparing] if line not in lines] == []
    more = page("docs/performance.md").splitlines()
    assert [line for line in rows[preparing:] if line not in ["", *more]] == []
    assert times in " ".join(lines)


def test_models_are_compared_by_their_figures():
    """Macro-F1 and RMS T of int8, the better of the two in bold."""
    told = re.search(r"\| `hubble-2` \(default\).*?\n\n", page("docs/quality.md"), re.S)[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in told.splitlines()[2:]}

    def of(model, place):
        if place in ("mean", "worst"):
            found = through(model)["all"][place]
        else:
            found = find_card(model).fields["metrics"]["int8"][place[0]][place[1]]
        return found["macro_f1"][0], found["rms_t"][0]

    for title, place in {
        "EFIGI, 8-bit colour": ("efigi", "colour"),
        "OpenNGC, 8-bit colour": ("ngc", "colour"),
        "the same, linear in one band (EFIGI)": ("efigi", "mono"),
        "fifteen simulated cameras, mean": "mean",
        "the worst of them": "worst",
    }.items():
        mine, other = of("hubble-2", place), of("hubble-1", place)
        better = [mine[0] > other[0], mine[1] < other[1]]
        cells = [
            " / ".join(
                f"**{text}**" if bold else text
                for text, bold in zip((f"{f1:.3f}", f"{rms:.2f}"), wins, strict=True)
            )
            for (f1, rms), wins in ((mine, better), (other, [not one for one in better]))
        ]
        assert rows[title] == f"| {title} | {cells[0]} | {cells[1]} |"


@pytest.mark.parametrize("model", CAMERAS)
def test_the_tables_of_cameras_are_those_of_the_results(model):
    sets = through(model)
    part = re.split(r"^# hubble-1$", page("training/RESULTS.md"), flags=re.M)[model == "hubble-1"]
    lines = [line.replace("**", "") for line in part.splitlines()]
    for source, shown in (("all", ""), ("efigi", ", EFIGI"), ("ngc", ", OpenNGC")):
        for kind in sets[source] if source == "all" else ("mean", "worst"):
            row = sets[source][kind]
            title = "both, colour" if kind == "colour" else f"{kind}{shown}"
            cells = ["{:.3f} ({:.3f}..{:.3f})".format(*row[key]) for key in KEYS]
            cells += [f"{row['t_bias']:+.2f}", f"{row['t_within_sigma']:.3f}"]
            cells += [f"{row['ece']:.3f} ({row['ece_by_chance']:.3f})", f"{row['same_label']:.3f}"]
            assert f"| {title} | {' | '.join(cells)} |" in lines


KEYS = ("macro_f1", "accuracy", "rms_t")
