"""The check: it finds the leak, the double, the contradiction and the broken file put there."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from training.__main__ import main
from training.data.check import check, contact_sheet, gather, summary


def sky(seed, side=60):
    """Return a galaxy (H, W, 3) with stars of its own."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    light = 200 * np.exp(-np.hypot(x, 1.3 * y) / 7)
    for _ in range(5):
        at = random.uniform(-25, 25, 2)
        light += 120 * np.exp(-(np.hypot(x - at[0], y - at[1]) ** 2) / 4)
    noise = random.normal(0, 3, (side, side, 3))
    return np.clip(light[..., None] + noise + 8, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures: a leak by name, a copy under another name, a broken file."""
    rows = []
    for i in range(12):
        name, t, side = f"PGC{i}", -5 if i < 8 else 3, "train" if i % 3 else "test"
        Image.fromarray(sky(i)).save(tmp_path / f"{i}.png")
        rows.append([f"{i}.png", "one", name, t, side, 10 * i, 5])
    rows[2][2] = "PGC0"  # train, while PGC0 is in test
    rows[2][3] = 3  # and another type
    Image.fromarray(sky(4)).save(tmp_path / "5.png")  # a copy of 4
    rows[8][5:] = rows[7][5:]  # one position
    (tmp_path / "11.png").write_bytes(b"\x89PNG broken")
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "galaxy", "t_type", "split", "ra", "dec"])
        writer.writerows(rows)
    return tmp_path


def test_everything_planted_is_found_and_nothing_else(folder):
    found = check(gather([folder]))
    assert found["pictures"] == 12
    assert found["galaxies"] == 9
    assert found["counts"]["one"]["test"] == {"E": 3, "Sb": 1}
    assert found["imbalance"] == {"largest": "E", "smallest": "Sb", "ratio": 1.33}
    assert list(found["unreadable"]) == ["11.png"]
    same = found["duplicates"]
    assert same["pictures_sharing_a_name"] == 2
    assert [pair["files"] for pair in same["by_position"]] == [["7.png", "8.png"]]
    assert [pair["files"] for pair in same["by_look"]] == [["4.png", "5.png"]]
    assert same["by_look"][0]["likeness"] == pytest.approx(1, abs=1e-3)
    assert [leak["files"] for leak in found["leaks"]] == [{"0.png": "test", "2.png": "train"}]
    said = found["contradictions"]
    assert said["galaxies_labelled_more_than_once"] == 3
    assert said["of_one_class"] == 1
    assert said["widest"][0] in ({"0.png": -5, "2.png": 3}, {"7.png": -5, "8.png": 3})
    assert json.loads(json.dumps(found)) == found
    told = summary(found)
    assert "leaks          1 galaxies" in told
    assert "0.png: test, 2.png: train" in told
    assert "4.png = 5.png (train, train)" in told


def test_the_command_writes_page_sheets_and_json_and_ends_with_3(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    arguments = ["data", "check", str(folder), "-o", str(out / "c.json")]
    arguments += ["--html", str(out / "c.html"), "--sheets", str(out / "sheets")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 3, done.output
    assert json.loads((out / "c.json").read_text())["pictures"] == 12
    assert {path.name for path in (out / "sheets").iterdir()} == {"E.png", "Sb.png", "doubles.png"}
    page = (out / "c.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "4.png = 5.png" in page


def test_a_clean_set_ends_with_0(tmp_path):
    for i, kind in enumerate(("E", "Sb")):
        (tmp_path / kind).mkdir()
        Image.fromarray(sky(i)).save(tmp_path / kind / f"{i}.png")
    done = CliRunner().invoke(main, ["data", "check", str(tmp_path)])
    assert done.exit_code == 0, done.output


def test_a_pack_has_no_leak_left(folder, tmp_path):
    runner = CliRunner()
    packed = runner.invoke(
        main, ["data", str(folder), str(tmp_path / "pack"), "--size", "24", "--simulations", "0"]
    )
    assert packed.exit_code == 0, packed.output
    assert "2.png: from train to test, where PGC0 is" in packed.output
    again = runner.invoke(main, ["data", "check", str(tmp_path / "pack")])
    assert "leaks          0 galaxies" in again.output
    assert again.exit_code == 3  # the unreadable file is still told of
    assert "11.png: could not be read when it was packed" in again.output


def test_a_galaxy_in_two_sets_is_found(folder, tmp_path):
    other = tmp_path / "other"
    for side in ("train", "val"):
        (other / side / "merger").mkdir(parents=True)
    Image.fromarray(sky(3)).resize((80, 80)).save(other / "val" / "merger" / "x.png")
    Image.fromarray(sky(99)).save(other / "train" / "merger" / "y.png")
    found = check(gather([folder, other]))
    pairs = [pair["files"] for pair in found["duplicates"]["by_look"]]
    assert ["3.png", "val/merger/x.png"] in pairs
    assert {"3.png": "test", "val/merger/x.png": "val"} in [x["files"] for x in found["leaks"]]
    assert found["counts"]["other"]["val"] == {"merger": 1}


def test_a_refusal_is_one_sentence(tmp_path):
    done = CliRunner().invoke(main, ["data", "check", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "not a data set" in done.output


def test_a_contact_sheet_keeps_reading_order():
    pixels = np.zeros((3, 3, 4, 4), np.uint8)
    pixels[1] = 50
    pixels[2] = 100
    sheet = np.asarray(contact_sheet(pixels, columns=2))
    assert sheet.shape == (12, 12, 3)
    assert (sheet[0, 0, 0], sheet[0, 6, 0], sheet[6, 0, 0], sheet[6, 6, 0]) == (0, 50, 100, 255)
