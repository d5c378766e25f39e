"""Which way round an image is: by its coordinates, else by the order of its rows."""

import itertools

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

from galedge.images.facts import Facts
from galedge.images.image import cutout, read
from galedge.images.prepare import prepare

S = 1e-4
NORTH_UP = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}


def facts(*sources):
    found = prepare(sources).facts
    assert all(each.error is None for each in found)
    return [(each.mirrored, each.upwards, each.handedness) for each in found]


def routes(path):
    """One file by the core, by the reader, with checked sums, and as an image that was read."""
    content = path.read_bytes()
    return [
        *facts(str(path), content, read(str(path)), cutout(str(path), 60, 60, 100)),
        *((f.mirrored, f.upwards, f.handedness) for f in prepare([str(path)], verify=True).facts),
    ]


@pytest.mark.parametrize("angle", [0, 50, 190, 290])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("order", [None, "TOP-DOWN", "BOTTOM-UP"])
def test_the_coordinates_decide_where_there_are_any(tmp_path, angle, turned, swapped, order):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # East to the left and north up, as everybody draws the sky, and turned over.
    matrix = S * np.array([[c, -s], [s, c]]) @ np.diag([1 if turned else -1, 1])
    cards = dict(NORTH_UP)
    if swapped:
        matrix = matrix[::-1]
        for stem in ("CTYPE", "CRVAL"):
            cards[f"{stem}1"], cards[f"{stem}2"] = cards[f"{stem}2"], cards[f"{stem}1"]
    for i, j in itertools.product((0, 1), repeat=2):
        cards[f"CD{i + 1}_{j + 1}"] = float(matrix[i, j])
    if order:
        cards["ROWORDER"] = order
    write_fits(tmp_path / "g.fits", galaxy(), **cards)
    # The first row on top turns the usual sky over, and the other one back.
    assert set(routes(tmp_path / "g.fits")) == {(not turned, order != "TOP-DOWN", "sky")}


@pytest.mark.parametrize("projection", ["SIN", "TPV", "ZEA", "TAN-SIP"])
@pytest.mark.parametrize("axes", [("RA--", "DEC-"), ("GLON", "GLAT"), ("ELON", "ELAT")])
def test_any_projection_has_a_sense(tmp_path, projection, axes):
    names = {f"CTYPE{i}": f"{axis}-{projection}" for i, axis in enumerate(axes, 1)}
    write_fits(tmp_path / "g.fits", galaxy(), **NORTH_UP | names | {"CDELT1": -S, "CDELT2": S})
    assert set(routes(tmp_path / "g.fits")) == {(True, True, "sky")}


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({}, (True, True, "file")),
        ({"ROWORDER": "BOTTOM-UP"}, (True, True, "file")),
        ({"ROWORDER": "TOP-DOWN"}, (False, False, "file")),
        ({"ROWORDER": "top-down"}, (False, False, "file")),
        ({"ROWORDER": 5}, (True, True, "file")),
        ({"CTYPE1": "LINEAR", "CTYPE2": "LINEAR", "CDELT1": -S}, (True, True, "file")),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "FREQ"}, (True, True, "file")),
        (NORTH_UP | {"CDELT1": 0.0}, (True, True, "file")),
    ],
)
def test_else_the_order_of_rows_does(tmp_path, cards, expected):
    write_fits(tmp_path / "g.fits", galaxy(), **cards)
    assert set(routes(tmp_path / "g.fits")) == {expected}


def test_pictures_have_their_first_row_on_top(tmp_path):
    from PIL import Image

    Image.fromarray(galaxy().clip(0, 255).astype(np.uint8)).save(tmp_path / "g.png")
    path = str(tmp_path / "g.png")
    assert set(facts(path, read(path), cutout(path, 60, 60, 100))) == {(False, False, "file")}


def test_of_arrays_nobody_knows(tmp_path):
    bytes_ = galaxy().clip(0, 255).astype(np.uint8)
    np.save(tmp_path / "g.npy", galaxy())
    floats = facts(galaxy(), galaxy().astype(np.float64), str(tmp_path / "g.npy"))
    assert set(floats) == {(True, True, "assumed")}
    assert facts(bytes_) == [(False, False, "assumed")]


def test_of_three_bands_the_first_that_knows(tmp_path):
    write_fits(tmp_path / "g.fits", galaxy(), **NORTH_UP, CDELT1=S, CDELT2=S)
    path = str(tmp_path / "g.fits")
    assert facts((galaxy(), path, path), (path, path, path)) == [(False, True, "sky")] * 2


def test_a_failure_knows_nothing(tmp_path):
    (tmp_path / "g.fits").write_bytes(b"")
    (found,) = prepare([str(tmp_path / "g.fits")]).facts
    assert found == Facts(str(tmp_path / "g.fits"), error=found.error)
    assert found.handedness == ""
