"""Radio galaxies of FIRST: the package's form, its split, and bytes that are flux."""

import json

import numpy as np
import pytest
from helpers.radio import SIDE, sky, source, write_first

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.duplicates import fingerprint, look_alikes, not_elsewhere
from training.data.pack import Pack, pack
from training.data.radio import CLASSES
from training.data.readers import read
from training.data.simulate import NOISE, restored
from training.data.splits import same_galaxy

WHEEL = "firstgalaxydata-0.2.1-py3-none-any.whl"


@pytest.mark.parametrize("name", [WHEEL, "galaxy_data_h5.zip", "galaxy_data_h5.h5"])
def test_the_wheel_and_what_is_in_it_are_read(tmp_path, name):
    entries = [*sky(4, "train"), *sky(4, "valid"), *sky(4, "test")]
    data = read(write_first(tmp_path / name, entries))
    assert data.classes == CLASSES
    assert data.flux
    assert [row["class"] for row in data.rows] == [*CLASSES] * 3
    assert [row["split"] for row in data.rows] == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    assert [float(row["ra"]) for row in data.rows] == [1.0, 2.0, 3.0, 4.0] * 3
    assert data.rows[5]["catalogue"] == "Gendre"
    for i in (0, 6):
        np.testing.assert_array_equal(data.picture(i), np.stack([source(i % 4, i)] * 3))


def test_what_is_dark_or_shows_a_galaxy_held_out_is_left_out(tmp_path, capsys):
    entries = sky(3, "train") + sky(2, "valid") + sky(2, "test")
    entries[4]["picture"] = np.zeros((SIDE, SIDE), np.uint8)
    entries[0].update(ra=1.07, dec=40.0)  # 193 arcsec beside the first of test
    entries[1].update(ra=2.08, dec=40.0)  # 221 beside the second
    entries[2].update(ra=3.0, dec=20.0)  # a degree from any other
    entries[3].update(ra=2.07, dec=39.99)  # val, beside the second of test
    data = read(write_first(tmp_path / WHEEL, entries))
    assert [row["file"] for row in data.rows] == ["data_2", "data_5", "data_6"]
    assert "1 without light and 3 that show" in capsys.readouterr().out


def test_neighbours_of_one_split_stay(tmp_path):
    entries = sky(4, "test")
    entries[1].update(ra=1.01)
    assert len(read(write_first(tmp_path / WHEEL, entries)).rows) == 4


def test_other_files_are_refused_with_their_name(tmp_path):
    import h5py

    with h5py.File(tmp_path / "galaxy_data_h5.h5", "w") as file:
        file.create_group("data_0")["Img"] = np.zeros((4, 4))
    with pytest.raises(ValueError, match=r"galaxy_data_h5\.h5: data_0 is no picture of first"):
        read(tmp_path / "galaxy_data_h5.h5")
    write_first(tmp_path / "galaxy_data_h5.zip", sky(1, "test")).rename(tmp_path / WHEEL)
    assert len(read(tmp_path / WHEEL).rows) == 1  # a zip less deep is read all the same
    with pytest.raises(ValueError, match="not a data set"):
        read((tmp_path / WHEEL).rename(tmp_path / "other.whl"))


def test_bytes_that_are_flux_are_stretched_by_the_recipe(tmp_path):
    write_first(tmp_path / WHEEL, [*sky(8, "train"), *sky(4, "valid"), *sky(4, "test")])
    recipe = Recipe(size=32, framing=80, white=1.0)
    packed = pack(tmp_path / WHEEL, tmp_path / "pack", recipe, prepare, simulations=1, threads=1)
    bytes_ = np.stack([source(1, 1)] * 3)
    flux = restored(bytes_, (0, 1))
    assert (flux - bytes_).std() == pytest.approx(NOISE, rel=0.02)
    np.testing.assert_array_equal(flux[0] - bytes_[0], flux[2] - bytes_[2])  # one band
    wanted = prepare([flux], recipe).pixels[0]
    np.testing.assert_array_equal(packed.exact["auto"][1], wanted)
    shown = prepare([bytes_], recipe).pixels[0]
    assert wanted.mean() > 1.5 * shown.mean()  # faint light is lifted
    assert json.loads((tmp_path / "pack" / "pack.json").read_text())["flux"] is True
    # The recipe's own frame, and one 1.25 times as wide to augment in
    np.testing.assert_allclose(packed.frames["auto"][:, 0], 0.8, atol=1e-6)
    assert Pack.open(tmp_path / "pack").rows("test").tolist() == [12, 13, 14, 15]


def test_sources_far_apart_are_not_one_however_alike(tmp_path):
    entries = [*sky(8, "train"), *sky(4, "valid"), *sky(4, "test")]
    rows = read(write_first(tmp_path / WHEEL, entries)).rows
    recipe = Recipe(size=64, white=1.0, margin=1.5)
    one = prepare([source(3, 5)], recipe).pixels[0].astype(float)
    noise = np.random.default_rng(0).normal(0, 1, (len(rows), *one.shape[1:]))
    pixels = np.clip(one + noise[:, None], 0, 255).round().astype(np.uint8)
    assert len(look_alikes(fingerprint(pixels))) == 16 * 15 // 2  # every one is every other
    assert len(set(same_galaxy(rows, pixels))) == 16
    pixels[1] = pixels[0]  # one picture under two names, whatever places they are given
    assert len(set(same_galaxy(rows, pixels))) == 15
    for row in rows:
        del row["ra"], row["dec"]
    assert len(set(same_galaxy(rows, pixels))) == 1


def test_look_counts_where_a_place_is_unknown_or_near():
    pairs = np.array([[0, 1], [0, 2], [0, 3], [0, 4]])
    ra = np.array([10.0, np.nan, 10.05, 190.0, 10.2])
    dec = np.array([60.0, np.nan, 60.0, 60.0, 60.0])
    prints = np.eye(5, 2, dtype=np.float32)
    near = not_elsewhere(pairs, prints, ra, dec).tolist()
    assert near == [[0, 1], [0, 2]]  # 90"; 360" is too far
    prints[3] = prints[0]
    assert not_elsewhere(pairs, prints, ra, dec).tolist() == [*near, [0, 3]]
