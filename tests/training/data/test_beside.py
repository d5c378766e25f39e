"""Pictures that are kept come back as they were, and galaxies of two sets have one split."""

import numpy as np

from training.data.duplicates import fingerprint, matches
from training.data.pictures import Pictures
from training.data.splits import Beside, as_beside


def spiral(seed, side=80, zoom=1.0):
    """Draw a disc with knots that no other has, as prepared pictures are (3, S, S)."""
    random = np.random.default_rng(seed)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / zoom
    light = 200 * np.exp(-np.hypot(x, y) / 12)
    for _ in range(25):
        u, v = random.normal(0, 15, 2)
        light += random.uniform(20, 90) * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 8)
    return np.clip(np.stack([light] * 3), 0, 255).astype(np.uint8)


def middle(picture, side):
    edge = (picture.shape[-1] - side) // 2
    return picture[:, edge : edge + side, edge : edge + side]


def test_kept_pictures_of_any_size_and_type(tmp_path):
    random = np.random.default_rng(0)
    shapes = [(3, 7, 5), (4, 9), (3, 2, 3), (1, 1)]
    pictures = [random.integers(0, 255, shape, np.uint8) for shape in shapes]
    pictures.insert(1, random.normal(0, 1, (3, 5, 5)))
    assert not Pictures.there(tmp_path)
    found = Pictures.write(tmp_path, pictures)
    assert Pictures.there(tmp_path)
    assert len(found) == 5
    for one, other in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(one, other.astype(one.dtype))
    assert [one.dtype.name for one in found] == ["uint8", "float32", "uint8", "uint8", "uint8"]


def test_galaxies_of_another_pack_get_its_split_whatever_their_frame():
    wide = np.stack([spiral(seed) for seed in range(6)])
    other = np.stack([middle(spiral(2), 64), middle(spiral(4, zoom=1.12), 64)])
    there = [{"galaxy": "a", "split": "test"}, {"galaxy": "b", "split": "train"}]
    rows = [{"file": f"{i}", "galaxy": f"g{i}", "split": "val"} for i in range(6)]
    notes = as_beside(rows, wide, [Beside("other", there, other)], 64)
    assert [row["split"] for row in rows] == ["val", "val", "test", "val", "train", "val"]
    assert notes == ["2 pictures are of galaxies of other, and get its split"]


def test_places_count_too_names_do_not_and_the_unreadable_stay_so():
    wide = np.zeros((3, 3, 80, 80), np.uint8)
    rows = [
        {"galaxy": "a", "split": "val", "ra": "10", "dec": "-3"},
        {"galaxy": "b", "split": "val", "ra": "11", "dec": "-3"},
        {"galaxy": "c", "split": "unreadable", "ra": "12", "dec": "-3"},
    ]
    there = [
        {"galaxy": "x", "split": "train", "ra": "10.0002", "dec": "-3"},
        {"galaxy": "y", "split": "test", "ra": "10", "dec": "-3.0001"},
        {"galaxy": "b", "split": "test", "ra": "50", "dec": "-3"},
        {"galaxy": "z", "split": "test", "ra": "12", "dec": "-3"},
    ]
    as_beside(rows, wide, [Beside("o", there, np.zeros((4, 3, 64, 64), np.uint8))], 64)
    assert [row["split"] for row in rows] == ["test", "val", "unreadable"]


def test_matches_are_those_of_all_pairs():
    pictures = np.stack([middle(spiral(seed), 64) for seed in (1, 2, 3, 2)])
    prints = fingerprint(pictures)
    assert matches(prints[:3], prints[3:]).tolist() == [[1, 0]]
    assert matches(prints, prints, block=2).tolist() == [
        [0, 0],
        [1, 1],
        [1, 3],
        [2, 2],
        [3, 1],
        [3, 3],
    ]
