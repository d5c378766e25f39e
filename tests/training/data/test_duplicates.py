"""Duplicates and splits: a galaxy under two names lies on one side, and two galaxies stay two."""

import numpy as np

from training.data.duplicates import fingerprint, groups, look_alikes, sky_pairs
from training.data.splits import assign, on_one_side, same_galaxy


def galaxy(seed, side=72, stars=6):
    """Return a smooth galaxy, the same for all seeds, with stars and noise of its own."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    light = 200 * np.exp(-np.hypot(x, 1.5 * y) / 9)
    for _ in range(stars):
        at = random.uniform(-side / 2, side / 2, 2)
        light += random.uniform(40, 150) * np.exp(-(np.hypot(x - at[0], y - at[1]) ** 2) / 4)
    noise = random.normal(0, 3, (3, side, side))
    return np.clip(light + noise + 8, 0, 255).astype(np.uint8)


def restretched(picture, seed):
    """Return the same sky in another stretch, with other noise."""
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(255 * (picture / 255.0) ** 0.8 * 0.9 + noise, 0, 255).astype(np.uint8)


def test_the_same_sky_is_found_in_another_stretch_and_other_galaxies_are_not():
    pixels = np.stack([galaxy(seed) for seed in range(30)])
    again = np.stack([restretched(picture, 99) for picture in pixels[:5]])
    pairs = look_alikes(fingerprint(np.concatenate([pixels, again])), block=7)
    assert pairs.tolist() == [[i, 30 + i] for i in range(5)]


def test_a_picture_without_detail_resembles_nothing():
    flat = np.zeros((3, 3, 72, 72), np.uint8)
    flat[2] = 200
    prints = fingerprint(flat)
    assert not prints.any()
    assert len(look_alikes(prints)) == 0


def test_positions_within_a_radius_are_pairs_across_the_meridian_and_near_the_pole():
    ra = np.array([359.9999, 0.0001, 10.0, 130.0, np.nan, 10.0])
    dec = np.array([5.0, 5.0, 89.9999, 89.9999, 5.0, 80.0])
    assert sky_pairs(ra, dec, 3).tolist() == [[0, 1], [2, 3]]
    assert len(sky_pairs(ra, dec, 0.5)) == 0
    assert sky_pairs(ra[4:5], dec[4:5]).shape == (0, 2)


def test_names_and_pairs_chain_into_groups():
    names = np.array(["a", "b", "c", "d", "a"])
    found = groups(names, np.array([[4, 2], [1, 2]]))
    assert found[0] == found[1] == found[2] == found[4]
    assert found[3] == "d"
    np.testing.assert_array_equal(groups(names, np.empty((0, 2), int)), names)


def test_a_group_goes_to_the_side_that_is_held_out_furthest():
    group = np.array(["a", "a", "b", "b", "c", "c"])
    split = np.array(["train", "test", "val", "train", "train", "unreadable"])
    kept = on_one_side(group, split)
    assert kept.tolist() == ["test", "test", "val", "val", "train", "unreadable"]


def test_a_copy_under_another_name_follows_its_original():
    original, other = galaxy(1), galaxy(2)
    rows = [
        {"file": "1", "galaxy": "PGC1", "split": "test"},
        {"file": "2", "galaxy": "PGC2", "split": "train"},
        {"file": "3", "galaxy": "PGC3", "split": "train"},
    ]
    pixels = np.stack([original, restretched(original, 5), other])
    notes = assign(rows, same_galaxy(rows, pixels), seed=0, kinds=np.zeros(len(rows)))
    assert [row["split"] for row in rows] == ["test", "test", "train"]
    assert notes == ["2: from train to test, where PGC1 is"]
    assert rows[0]["group"] == rows[1]["group"] != rows[2]["group"]


def test_missing_splits_are_drawn_by_group_and_a_given_test_is_left_alone():
    rows = [{"file": str(i), "galaxy": f"G{i}"} for i in range(400)]
    group = np.array([f"G{i // 2}" for i in range(400)])
    assert assign(rows, group, seed=0, kinds=np.zeros(len(rows))) == []
    sides = np.array([row["split"] for row in rows])
    assert (sides[::2] == sides[1::2]).all()
    assert set(sides) == {"train", "val", "test"}

    rows = [{"file": str(i), "galaxy": f"G{i}"} for i in range(400)]
    rows[7]["split"] = "test"
    assign(rows, np.array([row["galaxy"] for row in rows]), seed=0, kinds=np.zeros(len(rows)))
    assert [row["file"] for row in rows if row["split"] == "test"] == ["7"]
    assert any(row["split"] == "val" for row in rows)


def test_rows_without_labels_go_to_train():
    rows = [{"file": str(i), "galaxy": str(i)} for i in range(50)]
    assign(rows, np.array([row["galaxy"] for row in rows]), seed=0, kinds=np.full(50, -1))
    assert {row["split"] for row in rows} == {"train"}
