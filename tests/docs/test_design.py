"""docs/design.md and its picture show the house that stands: run python docs/draw_house.py."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from helpers.house import ROOT

import galedge


@pytest.fixture
def house(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("draw_house")


def test_the_picture_is_that_of_the_code(house):
    assert house.PICTURE.read_text() == house.picture(), "run python docs/draw_house.py"


def test_every_module_is_listed_and_no_other(house):
    assert house.PAGE.read_text() == house.page(), "run python docs/draw_house.py"


@pytest.mark.parametrize("name", ["read", "prepare"])
def test_contracts_have_the_parameters_of_the_code(house, name):
    told = re.search(rf"^    {name}\((.*?)\) -> ", house.PAGE.read_text(), re.M | re.S)[1]
    names = [part.split("=")[0].strip() for part in told.split(",")]
    actual = list(inspect.signature(getattr(galedge, name)).parameters)
    assert [n for n in names if n != "*"] == actual


def test_no_arrow_points_up(house):
    drawing = house.Drawing()
    with pytest.raises(AssertionError, match="down"):
        drawing.arrow(0, 10, 0, 5)
    floors = house.floors({"ground": set(), "up": {"ground"}, "beside": {"ground"}, "top": {"up"}})
    assert floors == [["beside", "top"], ["up"], ["ground"]]


def test_steps_of_the_way_name_rooms_and_what_is_there(house):
    for room, words in house.WAY:
        for path in re.findall(r"(?:^|\()([a-z]+/\w+)", words):
            here = ROOT if path.startswith("csrc/") else ROOT / "galedge"
            assert list(here.glob(f"{path}*")), path
            assert room, words
        assert not room or (ROOT / "galedge" / room).is_dir()


def test_summaries_are_first_sentences(house, tmp_path):
    file = Path(tmp_path, "m.py")
    file.write_text('"""What it is,\nin two lines.\n\nAnd more.\n"""\n')
    assert house.summary(file) == "What it is, in two lines."
