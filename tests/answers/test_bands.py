"""Three files as one galaxy: names, order, what is missing, and the command."""

import csv
import io

import numpy as np
import pytest
from helpers.frames_made import PLACES, TAN, made, write_frame
from helpers.made import galaxy, write_fits

from galedge import Classifier
from galedge.answers.bands import Group, Pattern, parse_bands
from galedge.errors import ReadError
from galedge.images.inputs import Rejected, find


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three galaxies, of which the last two lack bands."""
    folder = tmp_path / "night"
    (folder / "deep").mkdir(parents=True)
    for i, band in enumerate("gri"):
        write_fits(folder / f"a_{band}.fits", galaxy(seed=i), OBJECT=band)
    for band in "ri":
        write_fits(folder / f"b_{band}.fits", galaxy(seed=5))
    write_fits(folder / "deep" / "c_g.fits", galaxy(seed=6))
    write_fits(folder / "mask.fits", galaxy())
    return folder


def test_three_files():
    group = parse_bands("g.fits, r.fits,i.fits")
    assert group == Group("r.fits", ("i.fits", "r.fits", "g.fits"))
    assert group == parse_bands("{g,r,i}.fits")
    assert parse_bands("x/frame-{g,r,i}-1.fits").path == "x/frame-r-1.fits"
    assert group.flags == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g.fits,r.fits", "three bands"),
        ("g.fits,r.fits,", "three bands"),
        ("{name}_{g,r}.fits", "three bands"),
        ("{name}_{g,r,r}.fits", "three bands"),
        ("{name}.fits", "three bands"),
        ("{name}_g.fits,{name}_r.fits,{name}_i.fits", "stand in braces"),
        ("{a,b,c}{g,r,i}", "more than one"),
        ("{name}_{i,r,g}.fits", "from blue to red: g,r,i, not i,r,g"),
        ("{H,J,Y}.fits", "from blue to red: Y,J,H"),
        ("{name}-{F814W,F606W,F435W}.fits", "from blue to red: F435W,F606W,F814W"),
        ("{red,green,blue}.fits", "from blue to red: blue,green,red"),
    ],
)
def test_what_is_no_three_bands(text, message):
    with pytest.raises(ValueError, match=message):
        parse_bands(text)


def test_unknown_bands_may_come_in_any_order():
    assert parse_bands("{name}-{long,wide,short}.fits").bands == ("long", "wide", "short")


def test_groups(folder):
    groups = list(parse_bands("{name}_{g,r,i}.fits").group(find([folder])))
    a, b, c = groups
    assert a.paths == tuple(str(folder / f"a_{band}.fits") for band in "irg")
    assert (b.path, b.paths) == (str(folder / "b_r.fits"),) * 1 + ((str(folder / "b_r.fits"),),)
    assert c.path == str(folder / "deep" / "c_g.fits")
    assert [group.flags for group in groups] == [(), ("missing_band",), ("missing_band",)]


def test_patterns_with_folders(tmp_path):
    for band in "gri":
        for name in ("n1", "n2"):
            (tmp_path / name).mkdir(exist_ok=True)
            write_fits(tmp_path / name / f"{band}.fits", galaxy())
    pattern = parse_bands(f"{tmp_path}/{{name}}/{{g,r,i}}.fits")
    assert isinstance(pattern, Pattern)
    assert pattern.folder == str(tmp_path)
    groups = list(pattern.group(find([pattern.folder])))
    assert [group.path for group in groups] == [str(tmp_path / n / "r.fits") for n in ("n1", "n2")]
    assert all(len(group.paths) == 3 for group in groups)


def test_special_characters_are_themselves(tmp_path):
    for band in ("g", "r", "i"):
        write_fits(tmp_path / f"x+(1).{band}.fits", galaxy())
        write_fits(tmp_path / f"x+(1)_{band}.fits", galaxy())
    (group,) = parse_bands("{name}.{g,r,i}.fits").group(find([tmp_path]))
    assert group.path.endswith("x+(1).r.fits")


def test_rejected_files_keep_their_row(folder):
    (folder / "d_r.fits").symlink_to("nowhere")
    pattern = parse_bands("{name}_{g,r,i}.fits")
    found = list(pattern.group(find([folder, "missing"])))
    rejected = sorted(group.path for group in found if isinstance(group, Rejected))
    assert rejected == [str(folder / "d_r.fits"), "missing"]
    (folder / "d_r.fits").unlink()
    with pytest.raises(ReadError, match=r"no file matches the pattern \{name\}-\{g,r,i\}"):
        list(parse_bands("{name}-{g,r,i}.fits").group(find([folder])))


def test_command_on_a_folder(galedge, folder, bundle):
    process = galedge("classify", folder, "--bands", "{name}_{g,r,i}.fits", "--model", bundle)
    assert process.returncode == 0
    a, b, c = rows(process.stdout)
    assert a["path"] == str(folder / "a_r.fits")
    assert [row["flags"] for row in (a, b, c)] == ["", "missing_band", "missing_band"]
    stack = np.stack([galaxy(seed=i) for i in (2, 1, 0)])  # red first
    colour = Classifier(bundle).classify(stack)
    assert float(a["p_E"]) == pytest.approx(colour.probabilities["E"], abs=6e-5)
    one = Classifier(bundle).classify(galaxy(seed=5))
    assert float(b["p_E"]) == pytest.approx(one.probabilities["E"], abs=6e-5)
    again = galedge("classify", "--bands", f"{folder}/{{name}}_{{g,r,i}}.fits", "--model", bundle)
    assert [row["path"] for row in rows(again.stdout)] == [a["path"], b["path"]]


def test_command_on_three_files(galedge, folder, bundle):
    three = ",".join(str(folder / f"a_{band}.fits") for band in "gri")
    process = galedge("classify", "--bands", three, "--model", bundle)
    assert process.returncode == 0
    (row,) = rows(process.stdout)
    assert (row["path"], row["status"]) == (str(folder / "a_r.fits"), "ok")
    (folder / "a_g.fits").write_bytes(b"SIMPLE")
    process = galedge("classify", "--bands", three, "--model", bundle)
    assert process.returncode == 3
    (row,) = rows(process.stdout)
    assert "a_g.fits: " in row["error"]


def test_command_on_frames(galedge, tmp_path, bundle):
    (tmp_path / "l.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in PLACES))
    for i, band in enumerate("gri"):
        write_frame(tmp_path / f"f_{band}.fits", made(seed=i))
    options = ["--catalog", "l.csv", "--model", bundle, "--size", "48"]
    process = galedge("classify", "--bands", "f_{g,r,i}.fits", *options)
    assert process.returncode == 0
    assert [row["path"] for row in rows(process.stdout)] == ["f_r.fits"] * 5
    assert {row["flags"] for row in rows(process.stdout)} <= {"no_psf", "edge;no_psf"}
    as_before = rows(process.stdout)
    moved = np.roll(made(seed=2), 9, 1)
    write_frame(tmp_path / "f_i.fits", moved, CRPIX1=TAN["CRPIX1"] + 9)
    process = galedge("classify", "--bands", "f_{g,r,i}.fits", *options)
    assert process.returncode == 0
    for row, before in zip(rows(process.stdout), as_before, strict=True):
        assert row["label"] == before["label"]
        assert float(row["x"]) == pytest.approx(float(before["x"]), abs=0.05)
    write_frame(tmp_path / "f_i.fits", made(), CRVAL1=10.0)
    process = galedge("classify", "--bands", "f_{g,r,i}.fits", *options)
    assert process.returncode == 3
    assert "f_i.fits covers 0 % of f_r.fits" in rows(process.stdout)[0]["error"]
    (tmp_path / "f_i.fits").unlink()
    process = galedge("classify", ".", "--bands", "{name}_{g,r,i}.fits", *options)
    assert all("missing_band" in row["flags"].split(";") for row in rows(process.stdout))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.fits", "--bands", "g.fits,r.fits,i.fits"], "leave PATH out"),
        (["--bands", "g.fits,r.fits"], "three bands"),
        ([], "classify needs PATH or --bands"),
    ],
)
def test_command_refusals(galedge, arguments, message):
    process = galedge("classify", *arguments)
    assert process.returncode == 2
    assert message in process.stderr
