"""All images of a file, each with a row of its own."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from helpers.frames_made import made
from helpers.made import galaxy, rows, write_fits

from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.images.inputs import Rejected
from galedge.images.parts import Part, parts_of
from galedge.images.prepare import prepare

fits = pytest.importorskip("astropy.io.fits")


def several(path, images, *more, compressed=False):
    """Write a file of several images, with weights and a table between them."""
    kind = fits.CompImageHDU if compressed else fits.ImageHDU
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])], name="CAT")
    parts = [kind(image, name=f"CUT{i}") for i, image in enumerate(images)]
    weights = fits.ImageHDU(np.ones((64, 64), np.float32), name="WHT")
    hdus = [fits.PrimaryHDU(), weights, table, *parts, *more]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


@pytest.fixture
def stamps(tmp_path):
    return several(tmp_path / "a.fits", [galaxy(64, seed) for seed in range(3)])


@pytest.mark.parametrize("compressed", [False, True])
def test_each_image_is_a_result(tmp_path, bundle, compressed):
    images = [galaxy(64, seed) for seed in range(3)]
    path = several(tmp_path / "a.fits", images, compressed=compressed)
    single = tmp_path / "b.fits"
    write_fits(single, galaxy(64))
    classifier = Classifier(bundle, hdu="all")
    expected = [Classifier(bundle, hdu=hdu).classify(path) for hdu in (3, 4, 5)]
    (tmp_path / "c.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    for source in (path, str(path), path.read_bytes(), tmp_path / "c.fits.gz"):
        found = classifier.classify(source)
        assert [(result.hdu, result.error) for result in found] == [(3, None), (4, None), (5, None)]
        assert [result.x for result in found] == [result.x for result in expected]
        assert [result.probability for result in found] == [r.probability for r in expected]
        assert all("other_hdus" not in result.flags for result in found)
    with fits.open(path) as hdus:
        assert [result.hdu for result in classifier.classify(hdus)] == [3, 4, 5]
    found = list(classifier.stream([single, path, "void.fits"]))
    assert [result.hdu for result in found] == [0, 3, 4, 5, None]
    assert [result.ok for result in found] == [True] * 4 + [False]
    assert len(classifier.classify(galaxy(64))) == 1
    assert [one.hdu for one in Measurer(hdu="all").stream([path])] == [3, 4, 5]
    assert [result.hdu for result in Classifier(bundle, hdu="all", any_kind=True).classify(path)] \
        == [1, 3, 4, 5]  # fmt: skip


def test_one_bad_image_costs_its_row_and_says_which(tmp_path, bundle):
    path = several(tmp_path / "a.fits", [galaxy(64), np.zeros((64, 64), np.float32)])
    found = Classifier(bundle, hdu="all").classify(path)
    assert [(result.hdu, result.ok) for result in found] == [(3, True), (4, False)]
    measured = list(Measurer(hdu="all").stream([path]))
    assert [one.hdu for one in measured] == [3, 4]


def test_what_has_no_several_images_stays_itself(tmp_path):
    write_fits(tmp_path / "one.fits", galaxy(64))
    np.save(tmp_path / "b.npy", galaxy(64))
    for path in (tmp_path / "one.fits", tmp_path / "b.npy", str(tmp_path / "one.fits")):
        assert parts_of(path) == [path]
    array, rejected = galaxy(64), Rejected("x", "y")
    assert parts_of(array) == [array] or parts_of(array)[0] is array
    assert parts_of(rejected) == [rejected]
    part = Part("a.fits", 3)
    assert parts_of(part) == [part]
    (found,) = parts_of(str(tmp_path / "void.fits"))
    assert isinstance(found, Rejected)
    assert found.path == str(tmp_path / "void.fits")
    assert found.reason.startswith("cannot be opened")


def test_parts_are_sources(stamps):
    facts = prepare([Part(stamps, 4), stamps, Part(str(stamps), 9)]).facts
    assert [fact.hdu for fact in facts] == [4, 3, 9]
    assert facts[2].error == "no HDU 9: the file has 6"
    assert facts[0].path == str(stamps)


def test_the_command_line_says_so_and_does_it(tmp_path, galedge, bundle, stamps):
    model = ("--model", bundle)
    process = galedge("classify", "a.fits", *model)
    assert [row["hdu"] for row in rows(process.stdout)] == ["3"]
    assert "other_hdus, of 1 image: the file holds further images; --hdu all" in process.stderr
    process = galedge("classify", "a.fits", *model, "--hdu", "all")
    assert process.returncode == 0
    assert [row["hdu"] for row in rows(process.stdout)] == ["3", "4", "5"]
    assert "other_hdus" not in process.stdout + process.stderr
    process = galedge("measure", "a.fits", "--hdu", "all")
    assert [row["hdu"] for row in rows(process.stdout)] == ["3", "4", "5"]
    process = galedge("classify", "a.fits", *model, "--hdu", "all", "--write-back", "out")
    assert process.returncode == 2
    assert "--hdu all goes with none of" in process.stderr


def test_a_field_has_a_hint_once(tmp_path, galedge, bundle):
    for name in ("a.fits", "b.fits"):
        rng = np.random.default_rng(0)
        places = [tuple(place) for place in rng.uniform(10, 990, (25, 2))]
        write_fits(tmp_path / name, made(places, (1000, 1000)))
    process = galedge("classify", "a.fits", "b.fits", "--model", bundle)
    assert process.stderr.count("--detect finds those of a frame") == 1
    assert "many_sources, of 2 images:" in process.stderr
    assert all("many_sources" in row["flags"] for row in rows(process.stdout))
    pytest.importorskip("sep")
    process = galedge("classify", "a.fits", "--detect", "--model", bundle)
    assert "many_sources" not in process.stdout + process.stderr


def test_a_journal_goes_on_within_a_file(tmp_path, galedge, bundle, stamps):
    options = ("--model", bundle, "--hdu", "all", "-o", "t.csv", "--resume")
    process = galedge("classify", "a.fits", *options)
    assert process.returncode == 0
    whole = (tmp_path / "t.csv").read_text()
    assert [row["hdu"] for row in rows(whole)] == ["3", "4", "5"]

    from galedge.cli.load import provenance
    from galedge.cli.nights import binding
    from galedge.images.parts import parted
    from galedge.nights.journal import Journal

    classifier = Classifier(bundle, hdu="all")
    assert provenance(classifier)
    done = []

    def counted(items):
        for row in classifier.stream(items):
            done.append(row.hdu)
            yield row

    path = str(stamps)
    for breaks in (2, None):
        with Journal(str(tmp_path / "u.csv"), binding(classifier)) as journal:
            stream = parted(journal.stream(counted), False)([path])
            found = [next(stream) for _ in range(breaks)] if breaks else list(stream)
            stream.close()
    assert [row.as_row()["hdu"] for row in found] == [3, 4, 5]
    assert done[-1:] == [5]
    assert done.count(3) == 1


def test_a_watch_writes_all_of_a_file(tmp_path, galedge, bundle, stamps):
    (tmp_path / "in").mkdir()
    stamps.rename(tmp_path / "in" / "a.fits")
    options = (
        "in",
        "-o",
        "n.jsonl",
        "--model",
        bundle,
        "--hdu",
        "all",
        "--once",
        "--settle",
        "0.05",
    )
    for _ in range(2):
        process = galedge("watch", *options, "--quarantine", "q")
        assert process.returncode == 0, process.stderr
        lines = (tmp_path / "n.jsonl").read_text().splitlines()
        assert [json.loads(line)["hdu"] for line in lines] == [3, 4, 5]
    identities = [json.loads(line)["identity"] for line in lines]
    assert len(set(identities)) == 3


def test_each_image_of_a_mosaic_is_a_frame(tmp_path, galedge, bundle):
    pytest.importorskip("sep")
    several(tmp_path / "m.fits", [made(seed=0), made(seed=1)], fits.ImageHDU(np.ones((8, 8), "f4")))
    model = ("--model", bundle, "--detect")
    process = galedge("classify", "m.fits", *model)
    assert {row["hdu"] for row in rows(process.stdout)} == {"3"}
    assert all("other_hdus" in row["flags"] for row in rows(process.stdout))
    assert process.stderr.count("--hdu all makes a row of each") == 1
    process = galedge("classify", "m.fits", *model, "--hdu", "all")
    found = rows(process.stdout)
    assert [row["hdu"] for row in found if row["status"] == "ok"] == ["3"] * 5 + ["4"] * 5
    (tmp_path / "l.csv").write_text(
        "x,y,name,mag\n50,40,one,1.5\n5000,40,far,2.5\n5,5,corner,3.5\n"
    )
    options = ("--model", bundle, "--catalog", "l.csv", "--hdu", "all", "--keep")
    process = galedge("classify", "m.fits", *options)
    found = [(row["object"], row["hdu"], row["flags"], row["mag"]) for row in rows(process.stdout)]
    assert [one[:2] for one in found[:4]] == [
        ("one", "3"), ("corner", "3"), ("one", "4"), ("corner", "4"),
    ]  # fmt: skip
    assert found[4:] == [("corner", "5", found[4][2], "3.5"), ("far", "", "outside", "2.5")]
    last = rows(process.stdout)[-1]
    assert last["error"] == "lies outside every image of the file"
    (tmp_path / "l.csv").write_text("x,y\n5000,40\n")
    process = galedge("classify", "m.fits", *options)
    assert [row["flags"] for row in rows(process.stdout)] == ["outside"]
    (tmp_path / "l.csv").write_text("x,y\n50,40\n")
    process = galedge("classify", "m.fits", "--model", bundle, "--catalog", "l.csv", "--hdu", "all")
    assert [(row["hdu"], row["status"]) for row in rows(process.stdout)] \
        == [("3", "ok"), ("4", "ok")]  # fmt: skip
