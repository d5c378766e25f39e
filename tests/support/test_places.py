"""Places that cannot be listed are said to be so, and what was listed stays."""

import sys
from itertools import count

import pytest

from galedge.support.places import everything

_NUMBERS = count()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a new place's name and folder: two things, and a module that only helps."""
    name = f"toys{next(_NUMBERS)}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    for thing, content in (("b", "TOY = 2"), ("a", "TOY = 1"), ("help", "")):
        (folder / f"{thing}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    return name, folder


def test_all_that_a_place_has(place):
    assert everything(place[0], "TOY") == {"a": 1, "b": 2}
    assert everything(place[0], "OTHER") == {}


def test_what_was_listed_stays_when_the_folder_cannot_be_listed_any_more(place):
    name, folder = place
    everything(name, "TOY")
    folder.rename(folder.with_name("gone"))
    assert everything(name, "TOY") == {"a": 1, "b": 2}


def test_a_folder_that_cannot_be_listed_is_no_empty_place(place):
    name, folder = place
    __import__(name)
    folder.rename(folder.with_name("gone"))
    with pytest.raises(ImportError, match=rf"{folder}: cannot be listed"):
        everything(name, "TOY")
    assert f"{name}.a" not in sys.modules
