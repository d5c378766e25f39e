"""The curve of adapting: its labels are the classes that the catalogues' T stand for."""

import pytest

pytest.importorskip("cv2")
from training.study.adapting import _class


@pytest.mark.parametrize(
    ("t_type", "name"),
    [("-6", "E"), ("-3", "S0"), ("0.0", "Sa"), ("4", "Sb"), ("5", "Sc"), ("10", "Irr"), ("", "")],
)
def test_the_class_of_a_type(t_type, name):
    assert _class({"t_type": t_type}) == name


def test_dwarf_ellipticals_are_left_out():
    assert _class({"t_type": "11"}) == ""
