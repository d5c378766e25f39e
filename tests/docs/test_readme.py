"""README.md's lines run in the clone, and its figures are those of the model's card."""

import csv
import io
import re

import pytest
from click.testing import CliRunner
from helpers.house import ROOT

from galedge.cli import cli
from galedge.network.model import find_card

PAGE = (ROOT / "README.md").read_text()


def test_python_runs_where_the_reader_stands(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    block = re.search(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)[1]
    exec(compile(block, "README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[0] == "Sb"
    assert len(said) > 5
    assert all(line.startswith("examples/") for line in said[1:])


def test_the_first_command_prints_these_answers(galedge):
    command = re.search(r"^pip install .*cut -d, -f([\d,]+) ", PAGE, re.M)
    printed = list(
        csv.DictReader(io.StringIO(re.search(r"^path,.*?(?=```)", PAGE, re.S | re.M)[0]))
    )
    rows = list(csv.DictReader(io.StringIO(galedge("classify", ROOT / "examples").stdout)))
    names = list(rows[0])
    assert [names[int(n) - 1] for n in command[1].split(",")] == list(printed[0])
    assert len(rows) == len(printed)
    for row, told in zip(rows, printed, strict=True):
        assert row["path"].endswith(told["path"])
        assert (row["label"], row["flags"]) == (told["label"], told["flags"])
        # Engines of other versions and CPUs may round another way.
        assert float(row["t_type"]) == pytest.approx(float(told["t_type"]), abs=0.3)


def test_info_prints_what_it_says(monkeypatch):
    told = re.search(r"^\$ galedge (info .*)\n((?:.*\n)*?)```", PAGE, re.M)
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(cli, told[1].split()).output == told[2]


NUMBER = re.compile(r"\d\.\d{3}")
MEASURES = ("accuracy", "macro_f1", "rms_t")


@pytest.mark.parametrize(
    ("page", "models"),
    [("README.md", ["hubble-2"]), ("training/RESULTS.md", ["hubble-2", "hubble-1"])],
)
def test_figures_are_those_of_the_card(page, models):
    """Three measures of int8 with their intervals and ECE; perhaps the measures of fp32."""
    rows = [
        NUMBER.findall(line)
        for line in (ROOT / page).read_text().splitlines()
        if re.match(r"\| (EFIGI|NGC|OpenNGC) \|", line)
    ]
    rows = [row for row in rows if len(row) in (10, 13)]
    assert len(rows) == 8 * len(models)
    for i, row in enumerate(rows):
        metrics = find_card(models[i // 8]).fields["metrics"]
        i %= 8
        source, kind = ("efigi", "ngc")[i // 4], ("colour", "grey", "linear", "mono")[i % 4]
        int8, fp32 = (metrics[precision][source][kind] for precision in ("int8", "fp32"))
        card = [value for name in MEASURES for value in int8[name]]
        card += [int8["ece"], *(fp32[name][0] for name in MEASURES)]
        assert [float(n) for n in row] == pytest.approx(card[: len(row)], abs=5.1e-4)
