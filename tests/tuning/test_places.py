"""Labels of sources in frames: cut out as classify cuts them, grouped by source."""

import csv

import numpy as np
import pytest
from helpers.frames_made import TAN
from helpers.made import KINDS, bundle_of, rows, write_fits

pytest.importorskip("sklearn")

import galedge as package
from galedge.answers.bands import parse_bands
from galedge.answers.classifier import Classifier
from galedge.errors import GaledgeError
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import read_catalogue
from galedge.tuning.base import Base
from galedge.tuning.labels import read_labels
from galedge.tuning.places import Cuts
from galedge.tuning.tune import _seen

PLACES = [(40.0 + 60 * (i % 4), 40.0 + 55 * (i // 4)) for i in range(12)]


def frame(seed):
    """Return a frame in three bands of twelve galaxies, each other one red, the rest blue."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((200, 260))
    planes = rng.normal(100, 2, (3, 200, 260))
    for i, (at_x, at_y) in enumerate(PLACES):
        light = 400 * np.exp(-np.hypot(x - at_x, y - at_y) / rng.uniform(2.5, 5))
        tint = ((1, 0.5, 0.3), (0.3, 0.5, 1))[i % 2]
        planes += np.array(tint)[:, None, None] * light
    return planes.astype(np.float32)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "base"
    return bundle_of(folder, [KINDS], recipe={"size": 16})


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Three frames, and what is where in them by x and y and on the sky."""
    folder = tmp_path_factory.mktemp("night")
    lines, sky = ["frame,x,y,colour,extent"], ["frame,ra,dec,colour"]
    for number in range(3):
        cards = TAN | {"CRVAL1": 150.0 + number}
        write_fits(folder / f"f{number}.fits", frame(number), **cards)
        sky_of = Frame(str(folder / f"f{number}.fits")).celestial()
        for i, (x, y) in enumerate(PLACES):
            lines.append(f"f{number}.fits,{x},{y},{('red', 'blue')[i % 2]},{i}")
            ra, dec = sky_of.pixels_to_sky(np.array([x]), np.array([y]))
            sky.append(f"f{number}.fits,{ra[0]:.7f},{dec[0]:.7f},{('red', 'blue')[i % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    with open(folder / "one.csv", "w", newline="") as file:
        csv.writer(file).writerows([("x", "y"), *PLACES])
    (folder / "sky.csv").write_text("\n".join(sky) + "\n")
    return folder


ASKED = {"file": "frame", "columns": ["colour"]}


def seen(base, path, size=None, **asked):
    """Return what the network makes of labels, and the prepared pixels' hashes by row."""
    classifier = Classifier(base, keep_pixels=True, workers=1, sets=None)
    labels = read_labels(path, in_frames=size is not None, **(ASKED | asked))
    found, pairs = _seen(Base.of(classifier), classifier, labels, size, None)
    return labels, found, pairs


@pytest.mark.parametrize("table", ["labels.csv", "sky.csv"])
def test_sources_are_learned_from_and_answered(base, night, tmp_path, galedge, table):
    done = galedge(
        "tune", night / table, "--file", "frame", "--column", "colour", "-o", "mine",
        "--model", base, "--primary", "colour",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "colour: 36 pictures of 36 galaxies" in done.stdout
    done = galedge("classify", night / "f1.fits", "--catalog", night / table, "--model", "mine")
    labels = [row["label"] for row in rows(done.stdout)][12:24]
    assert labels == ["red", "blue"] * 6


@pytest.mark.parametrize("size", [None, 40])
def test_pixels_are_those_that_classify_cuts(base, night, size):
    labels, found, pairs = seen(base, night / "labels.csv", size)
    assert not pairs
    assert sorted(found.rows.tolist()) == list(range(36))
    classifier = Classifier(base, keep_pixels=True, workers=1, sets=None)
    cuts = Cuts(classifier, labels.places, size)
    mine = [result.pixels for result in cuts]
    assert cuts.order == list(range(36))
    one = Frame(str(night / "f0.fits"))
    sources = one.locate(read_catalogue(night / "one.csv"))
    theirs = [placed.pixels for placed in classify_sources(classifier, one, sources, None, size)]
    np.testing.assert_array_equal(mine[:12], theirs)


def test_three_files_are_one_frame_or_one_picture(base, night, tmp_path, galedge):
    planes, lines = frame(0), ["x,y,colour"]
    for band, plane in zip("irg", planes, strict=True):  # red, green and blue
        write_fits(tmp_path / f"f_{band}.fits", plane, **TAN)
    named = ["galaxy,colour"]
    for i, (x, y) in enumerate(PLACES):
        lines.append(f"{x},{y},{('red', 'blue')[i % 2]}")
        named.append(f"{i}.r.fits,{('red', 'blue')[i % 2]}")
        cut = np.s_[int(y) - 20 : int(y) + 20, int(x) - 20 : int(x) + 20]
        for band, plane in zip("irg", planes, strict=True):
            write_fits(tmp_path / f"{i}.{band}.fits", plane[cut])
    (tmp_path / "list.csv").write_text("\n".join(lines))
    (tmp_path / "named.csv").write_text("\n".join(named))
    (tmp_path / "bare.csv").write_text("\n".join(named).replace(".r.fits", ""))
    common = ("-o", "mine", "--model", base)
    three = (*common, "--bands", "f_g.fits,f_r.fits,f_i.fits")
    done = galedge("tune", "list.csv", "--in", "f_r.fits", *three)
    assert "colour: 12 pictures of 12 galaxies" in done.stdout, done.stderr
    done = galedge("tune", "list.csv", "--in", night / "f0.fits", *three)
    assert "is none of the three files f_g.fits, f_r.fits, f_i.fits" in done.stderr
    for table in ("named.csv", "bare.csv"):
        done = galedge("tune", table, "--file", "galaxy", *common, "--bands", "{name}.{g,r,i}.fits")
        assert "colour: 12 pictures of 12 galaxies" in done.stdout, done.stderr
        assert "accuracy  1.000" in done.stdout
    (tmp_path / "3.g.fits").unlink()
    labels = read_labels(tmp_path / "named.csv", file="galaxy")
    classifier = Classifier(base, keep_pixels=True, workers=1, sets=None)
    bands = parse_bands("{name}.{g,r,i}.fits")
    found, _ = _seen(Base.of(classifier), classifier, labels, None, None, bands=bands)
    assert [i for i, flags in enumerate(found.flags) if "missing_band" in flags] == [3]
    done = galedge("tune", "bare.csv", "--file", "galaxy", *common, "--bands", "{name}-{g,r,i}.fit")
    assert "there is no file of it that matches {name}-{g,r,i}.fit" in done.stderr


def test_rows_in_any_order_keep_their_labels(base, night, tmp_path):
    head, *lines = (night / "labels.csv").read_text().splitlines()
    mixed = np.random.default_rng(1).permutation(len(lines))
    (tmp_path / "l.csv").write_text("\n".join([head, *(lines[i] for i in mixed)]))
    _, plain, _ = seen(base, night / "labels.csv")
    _, found, _ = seen(base, tmp_path / "l.csv", images=night)
    by_row = dict(zip(plain.rows.tolist(), plain.prints, strict=True))
    for row, each in zip(found.rows.tolist(), found.prints, strict=True):
        assert each == by_row[int(mixed[row])]


def test_a_frame_and_a_list_with_labels(base, night, tmp_path, galedge):
    lines = [f"{x + 1},{y + 1},{('red', 'blue')[i % 2]}" for i, (x, y) in enumerate(PLACES)]
    (tmp_path / "list.csv").write_text("\n".join(["px,py,colour", *lines]))
    done = galedge(
        "tune", "list.csv", "--in", night / "f0.fits", "--columns", "x=px,y=py", "--one-based",
        "--size", "40", "-o", "mine", "--model", base,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "colour: 12 pictures of 12 galaxies" in done.stdout
    asked = {"file": None, "within": night / "f0.fits", "roles": {"x": "px", "y": "py"}}
    _, found, _ = seen(base, tmp_path / "list.csv", 40, one_based=True, **asked)
    _, plain, _ = seen(base, night / "labels.csv", 40)
    assert found.prints == plain.prints[:12]


def test_what_galedge_label_exports_is_cut_out_again(base, night, tmp_path, galedge):
    galedge("embed", night / "f0.fits", "--catalog", night / "one.csv", "--model", base,
            "-o", "f.csv")  # fmt: skip
    with open(tmp_path / "f.csv", newline="") as file:
        told = list(csv.DictReader(file))
    lines = [
        f"{row['path']},{row['hdu']},{row['x']},{row['y']},{row['side']},{('red', 'blue')[i % 2]}"
        for i, row in enumerate(told)
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["file,hdu,x,y,side,label", *lines]))
    found = package.tune(tmp_path / "labels.csv", tmp_path / "mine", model=base)
    assert found.metrics["own_label"]["pictures"] == 12
    assert found.metrics["own_label"]["accuracy"][0] > 0.9


def test_one_place_in_two_rows_is_one_source(base, night, tmp_path):
    text = (night / "sky.csv").read_text()
    # The first frame's sky once more, in another file whose noise is another.
    write_fits(tmp_path / "again.fits", frame(7), **TAN)
    more = text.splitlines()[1:13]
    again = [line.replace("f0.fits", str(tmp_path / "again.fits")) for line in more]
    (tmp_path / "l.csv").write_text("\n".join([text.strip(), *again]))
    asked = {"model": base, "images": night, **ASKED}
    found = package.tune(tmp_path / "l.csv", tmp_path / "mine", **asked).metrics["colour"]
    assert (found["pictures"], found["galaxies"]) == (48, 36)
    again[0] = again[0].replace("red", "blue")
    (tmp_path / "l.csv").write_text("\n".join([text.strip(), *again]))
    with pytest.raises(GaledgeError, match=r"one source has two labels: row 1 .* red, row 37 .* b"):
        package.tune(tmp_path / "l.csv", tmp_path / "other", **asked)


def test_without_coordinates_pixels_tell_what_is_one_source(base, tmp_path):
    write_fits(tmp_path / "f.fits", frame(0))
    lines = [f"f.fits,{x},{y},{('red', 'blue')[i % 2]}" for i, (x, y) in enumerate(PLACES)]
    lines.append(f"f.fits,{PLACES[0][0] + 0.4},{PLACES[0][1]},red")
    (tmp_path / "l.csv").write_text("\n".join(["file,x,y,colour", *lines]))
    found = package.tune(tmp_path / "l.csv", tmp_path / "mine", model=base).metrics["colour"]
    assert (found["pictures"], found["galaxies"]) == (13, 12)


def test_a_bad_frame_or_place_costs_its_rows(base, night, tmp_path):
    (tmp_path / "bad.fits").write_text("is none")
    text = (night / "labels.csv").read_text()
    text += f"f0.fits,900,900,red,1\nf0.fits,,,red,1\n{tmp_path}/bad.fits,1,1,red,1\n"
    (tmp_path / "l.csv").write_text(text)
    tuned = package.tune(tmp_path / "l.csv", tmp_path / "mine", model=base, images=night, **ASKED)
    assert tuned.metrics["colour"]["pictures"] == 36
    told = "\n".join(tuned.notes)
    assert "lies outside the frame" in told
    assert "no place on the frame" in told
    assert "bad.fits" in told


def test_cutouts_with_places_stay_cutouts(base, night, tmp_path):
    for i in range(12):
        image = frame(i)[:, 20:60, 20:60] if i % 2 == 0 else frame(i)[:, 20:60, 80:120]
        write_fits(tmp_path / f"c{i}.fits", image)
    lines = [f"c{i}.fits,{150 + i},{2},{('red', 'blue')[i % 2]}" for i in range(12)]
    (tmp_path / "l.csv").write_text("\n".join(["file,ra,dec,colour", *lines]))
    assert read_labels(tmp_path / "l.csv").places is None
    found = package.tune(tmp_path / "l.csv", tmp_path / "mine", model=base).metrics["colour"]
    assert found["pictures"] == 12
    with pytest.raises(GaledgeError, match="has no celestial coordinates"):
        package.tune(tmp_path / "l.csv", tmp_path / "other", model=base, size=40)
