"""The command line, as a process: rows, exit codes, refusals."""

import json
import os
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
from helpers.made import HEADS, galaxy, names_of, rows, write_bundle, write_fits
from website import filled

from galedge.cli import cli

ROOT = Path(__file__).parents[2]


def test_classify_to_standard_output(galedge, night, bundle):
    process = galedge("classify", night, "--model", bundle)
    assert process.returncode == 0
    table = rows(process.stdout)
    assert list(table[0]) == names_of(HEADS)
    assert [row["path"] for row in table] == [str(night / f"g{i}.fits") for i in range(5)]
    assert [row["object"] for row in table] == [f"G{i}" for i in range(5)]
    assert {row["status"] for row in table} == {"ok"}
    assert process.stderr.startswith("galedge: classified 5 images in ")
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["table.csv", "table.JSONL"])
def test_classify_to_a_file(galedge, night, bundle, tmp_path, name):
    process = galedge("classify", night, "--model", bundle, "-o", name, "--quiet")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    text = (tmp_path / name).read_text()
    table = rows(text) if name == "table.csv" else [json.loads(line) for line in text.splitlines()]
    assert len(table) == 5
    assert list(table[0]) == names_of(HEADS)


def test_options_reach_the_classifier(galedge, night, bundle):
    options = ["--workers", "1", "--batch", "2", "--hdu", "0", "--precision", "fp32"]
    process = galedge(
        "classify", night / "g0.fits", "--model", bundle, "--frame", "32", "-q", *options
    )
    assert process.returncode == 0
    assert process.stderr == ""
    default = galedge("classify", night / "g0.fits", "--model", bundle)
    (framed,), (auto,) = rows(process.stdout), rows(default.stdout)
    assert framed["recipe_sha256"] != auto["recipe_sha256"]
    write_fits(night / "cube.fits", np.stack([galaxy()] * 5))
    assert galedge("classify", night / "cube.fits", "--model", bundle).returncode == 3
    process = galedge("classify", night / "cube.fits", "--model", bundle, "--plane", "2")
    assert process.returncode == 0


def test_hostile_folder(galedge, night, bundle):
    good = (night / "g0.fits").read_bytes()
    (night / "empty.fits").write_bytes(b"")
    (night / "truncated.fits").write_bytes(good[:5000])
    write_fits(night / "nan.fits", np.full((32, 32), np.nan, np.float32))
    write_fits(night / "constant.fits", np.full((32, 32), 7, np.float32))
    (night / "text.fits").write_text("this is no image\n" * 500)
    (night / "text.jpg").write_text("nor is this\n" * 500)
    (night / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    os.mkfifo(night / "pipe.fits")
    os.mkfifo(night / "pipe.png")
    (night / "dangling.fits").symlink_to("nothing")
    (night / "folder.fits").mkdir()
    odd = os.fsencode(night) + b"/\xff\x1b[31m.fits"
    with open(odd, "wb") as file:
        file.write(good)
    process = galedge("classify", night, night / "missing.fits", "--model", bundle)
    assert process.returncode == 3
    table = {os.path.basename(row["path"]): row for row in rows(process.stdout)}
    assert len(table) == len(rows(process.stdout)) == len(os.listdir(night)) + 1
    good_names = {f"g{i}.fits" for i in range(5)} | {"\\udcff\x1b[31m.fits"}
    for name, row in table.items():
        assert row["status"] == ("ok" if name in good_names else "error"), name
        assert bool(row["error"]) == (name not in good_names)
        assert bool(row["label"]) == (name in good_names)
        assert str(night) not in row["error"]
    assert "classified 6 images in " in process.stderr
    assert process.stderr.endswith("; 12 rejected\n")
    assert "\x1b" not in process.stderr
    assert all(line.startswith("galedge: ") for line in process.stderr.splitlines())


def test_only_the_first_rejections_are_told(galedge, tmp_path, bundle):
    process = galedge("classify", *[f"no{i}.fits" for i in range(50)], "--model", bundle)
    assert process.returncode == 3
    assert len(rows(process.stdout)) == 50
    lines = process.stderr.splitlines()
    assert lines[0] == "galedge: no0.fits: no such file"
    assert lines[10] == "galedge: further rejections are listed in the table only"
    assert len(lines) == 12


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["classify"],
        ["classify", "x", "--frame", "square"],
        ["classify", "x", "--frame", "0"],
        ["classify", "x", "--batch", "0"],
        ["classify", "x", "--precision", "int4"],
        ["classify", "x", "--nonsense"],
        ["nonsense"],
    ],
)
def test_wrong_usage(galedge, arguments):
    process = galedge(*arguments)
    assert process.returncode == 2
    assert process.stdout == ""
    assert "Usage: galedge" in process.stderr


def test_outputs_that_are_refused_before_work_starts(galedge, night, bundle, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "in.csv").write_bytes((night / "g0.fits").read_bytes())
    for output, code, message in [
        ("folder.csv", 2, "is a folder"),
        ("in.csv", 2, "is also an input"),
        ("table.xlsx", 1, "end the name in .csv"),
        ("table", 1, "end the name in .csv"),
        ("nowhere/table.csv", 1, "No such file or directory"),
    ]:
        process = galedge("classify", "in.csv", night, "--model", bundle, "-o", output)
        assert process.returncode == code, process.stderr
        assert message in process.stderr
        assert process.stdout == ""
    assert (tmp_path / "in.csv").read_bytes() == (night / "g0.fits").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["folder.csv", "in.csv", "night"]


def test_raw_data_in_a_folder_are_not_replaced_by_a_table(galedge, night, bundle):
    before = (night / "g0.fits").read_bytes()
    process = galedge("classify", night, "--model", bundle, "-o", night / "g0.fits")
    assert process.returncode == 2
    assert "is also an input" in process.stderr
    assert (night / "g0.fits").read_bytes() == before
    assert len(os.listdir(night)) == 5


@pytest.mark.parametrize("package", ["astropy", "pyarrow"])
def test_missing_packages_are_told_before_work_starts(galedge, bundle, tmp_path, package):
    (tmp_path / f"{package}.py").write_text("raise ImportError")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    process = galedge(
        "classify", "nothing.fits", "--model", bundle, "-o", "t.parquet", env=environment
    )
    assert process.returncode == 1
    assert process.stderr == (
        f"galedge: t.parquet: writing .parquet needs {package}, which is not installed: "
        "pip install 'galedge[tables]'\n"
    )
    assert set(os.listdir(tmp_path)) - {"__pycache__"} == {f"{package}.py"}


def test_a_table_says_what_made_it(galedge, night, bundle, tmp_path):
    from xml.etree import ElementTree

    process = galedge("classify", night, "no such.fits", "--model", bundle, "-o", "t.vot")
    assert process.returncode == 3
    infos = ElementTree.parse(tmp_path / "t.vot").iterfind(".//{*}INFO")
    about = {info.get("name"): info.get("value") for info in infos}
    command_line = ["galedge", "classify", str(night), "no such.fits", "--model", str(bundle)]
    assert shlex.split(about["command"]) == [*command_line, "-o", "t.vot"]
    assert about["model"] == "tiny"
    card = json.loads((bundle / "card.json").read_text())
    assert about["model_sha256"] == card["files"]["model.fp32.onnx"]["sha256"]
    assert len(about["recipe_sha256"]) == 64
    assert (about["rows"], about["rejected"]) == ("6", "1")


def test_models_that_are_refused(galedge, night, tmp_path, network):
    folder = write_bundle(tmp_path / "m", {"fp32": network})
    (folder / "model.fp32.onnx").write_bytes(network[:-1])
    for model in ("m", "./m", "nothing", tmp_path / "nothing", night):
        process = galedge("classify", night, "--model", model, "-o", "table.csv")
        assert process.returncode == 1
        assert process.stderr.startswith("galedge: ")
        assert len(process.stderr.splitlines()) == 1
    assert not (tmp_path / "table.csv").exists()


def test_version(galedge):
    from galedge import __version__

    assert galedge("--version").stdout == f"galedge, version {__version__}\n"


def test_models(galedge):
    from galedge.network.model import shipped

    process = galedge("models")
    assert process.returncode == 0
    for card in shipped():
        assert card.name in process.stdout
        for network in card.networks.values():
            assert network.sha256 in process.stdout


def test_info(galedge, night):
    header = {"OBJECT": "NGC 1", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}
    header |= {"CRVAL1": 10.0, "CRVAL2": -5.0, "CRPIX1": 32.5, "CRPIX2": 32.5}
    header |= {"CDELT1": -1e-4, "CDELT2": 1e-4}
    write_fits(night / "wcs.fits", galaxy(), **header)
    process = galedge("info", night / "wcs.fits")
    assert process.returncode == 0
    assert process.stderr == ""
    assert "HDU 0  image  64 x 64  float32" in process.stdout
    assert "TAN at 10.000000 -5.000000 deg, 0.36 arcsec a pixel" in process.stdout
    assert "object  NGC 1" in process.stdout
    sky = float(process.stdout.partition("sky ")[2].split()[0])
    assert sky == pytest.approx(100, abs=3)
    assert "pixels wide, centred on x 31." in process.stdout


def test_info_on_a_picture(galedge, tmp_path):
    np.save(tmp_path / "cube.npy", np.stack([galaxy()] * 5))
    process = galedge("info", "cube.npy", "--plane", "2")
    assert process.returncode == 0
    assert "HDU" not in process.stdout
    assert "64 x 64 x 5  float32" in process.stdout
    process = galedge("info", "cube.npy")
    assert process.returncode == 1
    assert "choose one with" in process.stderr


def test_info_on_what_it_cannot_prepare(galedge, night):
    write_fits(night / "nan.fits", np.full((32, 32), np.nan, np.float32))
    process = galedge("info", night / "nan.fits")
    assert process.returncode == 1
    assert "HDU 0  image  32 x 32" in process.stdout
    assert process.stderr.startswith(f"galedge: {night / 'nan.fits'}: ")
    process = galedge("info", night / "missing.fits")
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.count(str(night)) == 1


def test_every_command_and_option_is_documented():
    text = (ROOT / "docs/cli.md").read_text()
    reference = filled((ROOT / "docs/reference/commands.md").read_text())
    if (ROOT / "README.md").exists():
        text += (ROOT / "README.md").read_text()
    context = click.Context(cli)
    for name in cli.list_commands(context):
        entry = cli.get_command(context, name)
        assert f"galedge {name}" in text, f"{name} is in neither README.md nor docs/cli.md"
        for parameter in entry.params:
            if isinstance(parameter, click.Option):
                for option in parameter.opts:
                    assert option in reference, f"{name} {option} is not documented"


def test_engines_are_measured_and_the_fastest_is_taken(galedge, bundle, night, tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = galedge("engines", "--model", bundle, env=environment)
    assert done.returncode == 0
    assert "onnxruntime  cpu     fp32" in done.stdout
    assert "auto is " in done.stdout
    assert len(list((tmp_path / "cache/galedge/speeds").iterdir())) == 1
    assert galedge("classify", "--model", bundle, night, env=environment).returncode == 0


def test_options_that_contradict_each_other(galedge, bundle, night):
    done = galedge("classify", "--model", bundle, "--engine", "openvino", "--device", "cuda", night)
    assert done.returncode == 2
    assert "leave --device away" in done.stderr
    done = galedge("classify", "--device", "gpu", night)
    assert done.returncode == 2
    assert "none of cpu, cuda, cuda:N" in done.stderr


def test_files_of_other_kinds_are_counted(galedge, night, bundle):
    for name in ("notes.txt", "raw.cr2", ".hidden"):
        (night / name).write_bytes(b"x")
    process = galedge("classify", night, "--model", bundle)
    assert process.returncode == 0
    assert process.stderr.rstrip().endswith("; 2 files of other kinds passed over")
