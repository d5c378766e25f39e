"""Readers: every form of a data set, on a small file of exactly that form."""

import csv
import gzip
import zipfile

import numpy as np
import pytest
from helpers.fits_files import primary
from PIL import Image

from training.data.pack import Pack, pack
from training.data.readers import pictures, read
from training.words.hubble import HUBBLE


def picture(seed, side=24):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def save(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(path)


def write(path, header, *rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def test_a_table_with_types(tmp_path):
    save(tmp_path / "a.png", 1)
    write(tmp_path / "labels.csv", ["file", "t_type", "split"], ["a.png", "-5", "val"])
    data = read(tmp_path)
    assert data.classes == ()
    assert data.rows[0]["t_type"] == "-5"
    assert data.rows[0]["galaxy"] == "a.png"
    np.testing.assert_array_equal(data.picture(0), picture(1).transpose(2, 0, 1))
    np.testing.assert_array_equal(next(pictures(tmp_path, data.rows)), data.picture(0))


def test_a_table_with_classes_keeps_the_order_of_their_codes(tmp_path):
    rows = [["b.png", "merger", "5"], ["a.png", "elliptical", "0"], ["c.png", "edge", "3"]]
    write(tmp_path / "labels.csv", ["file", "name", "code"], *rows)
    data = read(tmp_path)
    assert data.classes == ("elliptical", "edge", "merger")
    assert [row["class"] for row in data.rows] == ["merger", "elliptical", "edge"]


def test_folders_of_hubble_classes_get_the_middle_t(tmp_path):
    for split, kind in (("train", "E"), ("train", "Sb"), ("test", "Irr")):
        save(tmp_path / split / kind / "1.png")
    data = read(tmp_path)
    assert data.classes == ()
    told = {row["class"]: (row["t_lo"], row["t_type"], row["t_hi"]) for row in data.rows}
    assert told == {"E": ("-6", "-5", "-4"), "Sb": ("3", "3.5", "4"), "Irr": ("9", "9.5", "10")}
    assert {row["split"] for row in data.rows} == {"train", "test"}
    assert len({row["galaxy"] for row in data.rows}) == 3  # though the files have one name


def test_folders_of_other_classes_keep_them(tmp_path):
    save(tmp_path / "bent" / "1.jpg")
    save(tmp_path / "FRII" / "2.jpg")
    data = read(tmp_path)
    assert data.classes == ("FRII", "bent")
    assert "split" not in data.rows[0]


def test_a_zip_gives_positions_where_names_are_positions(tmp_path):
    save(tmp_path / "10.5_-3.25.png", 3)
    save(tmp_path / "587722.png", 4)
    with zipfile.ZipFile(tmp_path / "cutouts.zip", "w") as archive:
        for name in ("10.5_-3.25.png", "587722.png"):
            archive.write(tmp_path / name, f"images/{name}")
    data = read(tmp_path / "cutouts.zip")
    assert (data.rows[0]["ra"], data.rows[0]["dec"]) == ("10.5", "-3.25")
    assert "ra" not in data.rows[1]
    np.testing.assert_array_equal(data.picture(1), picture(4).transpose(2, 0, 1))


@pytest.mark.parametrize("decals", [False, True])
def test_galaxy10(tmp_path, decals):
    import h5py

    side = 256 if decals else 69
    images = np.stack([picture(i, side) for i in range(3)])
    with h5py.File(tmp_path / "Galaxy10.h5", "w") as file:
        file["images"] = images
        file["ans"] = np.array([0, 9, 5], np.uint8)
        if decals:
            file["ra"], file["dec"] = np.array([10.0, 20, 30]), np.array([-1.0, 0, 1])
            file["redshift"], file["pxscale"] = np.full(3, 0.1), np.full(3, 0.262)
    data = read(tmp_path / "Galaxy10.h5")
    assert len(data.classes) == 10
    told = [row["class"] for row in data.rows]
    if decals:
        assert told == ["Disturbed", "Edge-on with Bulge", "Barred Spiral"]
        assert data.rows[2]["ra"] == "30.0"
        assert data.rows[0]["source"] == "galaxy10_decals"
    else:
        assert told == [
            "Disk, Face-on, No Spiral",
            "Disk, Face-on, Loose Spiral",
            "Disk, Edge-on, Boxy Bulge",
        ]
        assert "ra" not in data.rows[0]
    np.testing.assert_array_equal(data.picture(1), images[1].transpose(2, 0, 1))


def test_galaxy_mnist_keeps_its_test_split(tmp_path):
    import h5py

    for name, labels in (("train", [0, 3]), ("test", [2])):
        with h5py.File(tmp_path / f"{name}_dataset.hdf5", "w") as file:
            file["images"] = np.stack([picture(i, 64) for i in range(len(labels))])
            file["labels"] = np.array(labels, np.uint8)
    whole = (tmp_path / "test_dataset.hdf5").read_bytes()
    (tmp_path / "test_dataset.hdf5").unlink()
    (tmp_path / "test_dataset.hdf5.gz").write_bytes(gzip.compress(whole))
    data = read(tmp_path)
    told = [(row["class"], row.get("split")) for row in data.rows]
    assert told == [("edge_on_disk", "test"), ("smooth_round", None), ("unbarred_spiral", None)]
    np.testing.assert_array_equal(data.picture(2), picture(1, 64).transpose(2, 0, 1))


def test_hdf5_of_another_form_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["spectra"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"neither Galaxy10 .* it holds spectra"):
        read(tmp_path / "other.h5")


def test_hdf5_without_h5py_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "Galaxy10.h5").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ValueError, match=r"needs h5py.*pip install 'galedge\[train\]'"):
        read(tmp_path / "Galaxy10.h5")


GZ2 = ["dr7objid", "ra", "dec", "rastring", "decstring", "sample", "gz2_class"]
ANSWERS = {
    "t02_edgeon": ("a04_yes", "a05_no"),
    "t03_bar": ("a06_bar", "a07_no_bar"),
    "t04_spiral": ("a08_spiral", "a09_no_spiral"),
}
KINDS = ("count", "weight", "fraction", "weighted_fraction", "debiased", "flag")


def galaxy_zoo2(objid, kind, **votes):
    row = [objid, "160.99", "11.70", "10:43:57", "+11:42:14", "original", kind, "44", "349"]
    for question, answers in ANSWERS.items():
        asked, share = votes.get(question, (0, 0.0))
        for part in (share, 1 - share)[: len(answers)]:
            row += [round(asked * part), asked * part, part, part, part, 0]
    return row


def test_galaxy_zoo2(tmp_path):
    header = [*GZ2, "total_classifications", "total_votes"]
    header += [f"{q}_{a}_{kind}" for q, pair in ANSWERS.items() for a in pair for kind in KINDS]
    write(
        tmp_path / "gz2_hart16.csv.gz",
        header,
        galaxy_zoo2("587732591714893851", "SBc2m", t02_edgeon=(40, 0.1), t03_bar=(36, 0.75)),
        galaxy_zoo2("588009368545984617", "Ei(o)", t02_edgeon=(4, 0.5)),
        galaxy_zoo2("587739609695453284", "Sb+t"),  # without a picture
    )
    objids = ["587732591714893851", "588009368545984617", "587739609695453284"]
    mapping = [[objid, "original", i] for i, objid in enumerate(objids, 10)]
    write(tmp_path / "gz2_filename_mapping.csv", ["objid", "sample", "asset_id"], *mapping)
    for name in ("10", "11"):
        save(tmp_path / "images_gz2" / "images" / f"{name}.jpg")
    data = read(tmp_path)
    barred, smooth = data.rows
    assert barred["class"] == "SBc"
    assert smooth["class"] == "Ei"
    assert set(data.classes) >= {"SBc", "Ei", "A"}
    assert barred["galaxy"] == "SDSS587732591714893851"
    assert float(barred["bar"]) == 0.75
    assert float(barred["edge_on"]) == pytest.approx(0.1)
    assert "arms" not in barred  # nobody was asked
    assert "edge_on" not in smooth  # four were
    assert (barred["ra"], barred["dec"]) == ("160.99", "11.70")
    assert data.picture(0).shape == (3, 24, 24)


def test_galaxy_zoo2_without_its_mapping_is_refused(tmp_path):
    write(tmp_path / "gz2_hart16.csv", GZ2)
    with pytest.raises(ValueError, match=r"gz2_filename_mapping\.csv"):
        read(tmp_path)


def efigi(folder, rows):
    attributes = [
        *("Bulge_to_Total", "Arm_Strength", "Arm_Curvature", "Arm_Rotation", "Bar_Length"),
        *("Inner_Ring", "Outer_Ring", "Pseudo_Ring", "Perturbation", "Visible_Dust"),
        *("Dust_Dispersion", "Flocculence", "Hot_Spots", "Inclination", "Contamination"),
        "Multiplicity",
    ]
    names = [f"{name}{end}" for name in ("T", *attributes) for end in ("", "_inf", "_sup")]
    lines = ["#   1 PGCname  Name of the galaxy", "#   2 T  EFIGI Hubble sequence type"]
    lines.append("# PGCname " + " ".join(names))
    for galaxy, t, told in rows:
        values = dict.fromkeys(attributes, (0.25, 0.0, 0.5)) | told
        words = [str(v) for triple in ((t, t - 1, t + 1), *values.values()) for v in triple]
        lines.append(f"{galaxy}    " + "  ".join(words))
    (folder / "EFIGI_attributes.txt").write_text("\n".join(lines) + "\n")


def test_efigi_with_png(tmp_path):
    told = {"Bar_Length": (0.5, 0.0, 1.0), "Multiplicity": (0.75, 0.5, 1.0)}
    efigi(tmp_path, [("PGC0000212", 5, told), ("PGC0000218", 0, {})])
    place = "# PGC_name RA DEC\nPGC0000212 1.04 -2.5\n"
    (tmp_path / "EFIGI_coord_redshift.txt").write_text(place)
    save(tmp_path / "png" / "PGC0000212.png", 5)
    (row,) = read(tmp_path).rows  # the other has no picture
    assert (row["t_type"], row["t_lo"], row["t_hi"]) == ("5", "4", "6")
    assert row["bar_length"] == "-1"  # limits from 0 to 1: undecided
    assert row["multiplicity"] == "0.75"
    assert row["bulge_to_total"] == "0.25"
    assert (row["ra"], row["dec"]) == ("1.04", "-2.5")


def test_efigi_with_fits_is_linear_in_i_r_g(tmp_path):
    efigi(tmp_path, [("PGC0000212", 5, {})])
    for value, band in enumerate("irg", 1):
        folder = tmp_path / f"ima_{band}"
        folder.mkdir()
        flux = np.full((20, 22), float(value))
        (folder / f"PGC0000212_{band}.fits").write_bytes(primary(flux, -32))
    found = read(tmp_path).picture(0)
    assert found.shape == (3, 20, 22)
    assert found.dtype != np.uint8
    assert found[:, 0, 0].tolist() == [1, 2, 3]


def test_efigi_of_another_width_is_refused(tmp_path):
    (tmp_path / "EFIGI_attributes.txt").write_text("# PGCname T\nPGC0000212 5 4 6\n")
    with pytest.raises(ValueError, match=r"line 2: 4 columns, not EFIGI 1\.6's 52"):
        read(tmp_path)


def test_what_is_no_data_set_is_refused_with_the_forms_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"not a data set; give .*labels\.csv"):
        read(tmp_path)
    with pytest.raises(ValueError, match="no such file"):
        read(tmp_path / "missing")


def test_a_pack_of_other_classes_asks_for_them(tmp_path):
    from galedge.images.prepare import prepare
    from galedge.images.recipe import Recipe

    for kind in ("FRI", "FRII"):
        for i in range(4):
            save(tmp_path / "radio" / kind / f"{i}.png", len(kind) * 10 + i)
    (tmp_path / "radio" / "FRI" / "broken.png").write_bytes(b"not a picture")
    recipe = Recipe(size=16)
    packed = pack(tmp_path / "radio", tmp_path / "pack", recipe, prepare, simulations=0)
    assert packed.task.classes.names == ("FRI", "FRII")
    assert packed.label.tolist() == [0] * 5 + [1] * 4
    assert set(packed.split) == {"train", "val", "test", "unreadable"}
    broken = packed.split == "unreadable"
    assert packed.file[broken].tolist() == ["FRI/broken.png"]
    assert not packed.exact["auto"][broken].any()
    assert Pack.open(tmp_path / "pack").task == packed.task
    of_hubble = Pack.open(tmp_path / "pack", HUBBLE)
    assert (of_hubble.label == -1).all()
    assert not of_hubble.known.any()
