"""The hostile folder: one row for each thing, right ones for the good, soon, and no traceback."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from helpers import hostile, nights
from helpers.made import galaxy, tiny_network, write_bundle, write_fits

from galedge.errors import ModelError
from galedge.network.model import Model

NOBODY = 65534


def by_name(rows):
    """Return rows by the name of their file, as bytes."""
    found = {os.path.basename(os.fsencode(row["path"])): row for row in rows}
    assert len(found) == len(rows)
    return found


def tree(folder):
    """Return every file's content, to see that nothing changes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 30:
            found[path] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found


def test_classify(galedge, tmp_path, bundle):
    folder = tmp_path / "in"
    good, bad, special = hostile.good(folder), hostile.bad(folder), hostile.special(folder / "odd")
    before = tree(folder)
    process = galedge("classify", folder, "--model", bundle, "-o", "t.jsonl")
    assert process.returncode == 3
    rows = by_name(nights._rows(tmp_path / "t.jsonl"))
    assert set(rows) == set(good) | {os.fsencode(name) for name in bad | special}
    for name, row in rows.items():
        if name in good:
            assert (row["status"], row["object"]) == ("ok", good[name]), name
        else:
            assert (row["status"], row["label"]) == ("error", None), name
            assert row["error"]
            assert "\n" not in row["error"]
    assert all(line.startswith("galedge: ") for line in process.stderr.splitlines())
    assert "\x1b" not in process.stderr
    assert tree(folder) == before
    assert sorted(os.listdir(tmp_path)) == ["in", "t.jsonl"]


def test_watch(galedge, tmp_path, bundle):
    folder = tmp_path / "in"
    good, bad = hostile.good(folder), hostile.bad(folder)
    for name in bad:
        os.utime(folder / name, (1, 1))
    special = hostile.special(folder / "odd")
    before = tree(folder)
    arguments = ["watch", folder, "-o", "n.jsonl", "--model", bundle, "--once"]
    for _ in range(2):  # the second finds nothing to do
        process = galedge(*arguments, "--quarantine", "q", "--write-back", "copies")
        for name in special - {"folder.fits"}:
            assert f"{name}: " in process.stderr
        rows = by_name(nights._rows(tmp_path / "n.jsonl"))
        assert set(rows) == set(good) | {os.fsencode(name) for name in bad}
        assert {name for name, row in rows.items() if row["status"] == "ok"} == set(good)
        assert all(rows[name]["object"] == good[name] for name in good)
    assert tree(folder) == before
    assert {os.fsencode(name) for name in os.listdir(tmp_path / "copies")} == set(good)
    listed = [json.loads(line) for line in (tmp_path / "q/rejected.jsonl").read_text().splitlines()]
    assert {os.path.basename(line["path"]) for line in listed} == bad


def test_everything_rejected_is_moved_and_nothing_is_lost(galedge, tmp_path, bundle):
    folder = tmp_path / "in"
    good, bad, special = hostile.good(folder), hostile.bad(folder), hostile.special(folder / "odd")
    os.truncate(folder / "sparse.fits", 1 << 20)
    before = {path.name: content for path, (content, _) in tree(folder).items()}
    arguments = ["classify", folder, "--model", bundle, "-q", "--quarantine", "q"]
    process = galedge(*arguments, "--quarantine-move", "-o", "t.csv")
    assert (process.returncode, process.stderr) == (3, "")
    assert {os.fsencode(path.name) for path in tree(folder)} == set(good)
    assert set(os.listdir(tmp_path / "q")) == bad | {"rejected.jsonl"}
    assert special <= set(os.listdir(folder / "odd"))
    after = {path.name: content for path, (content, _) in tree(folder).items()}
    after |= {path.name: content for path, (content, _) in tree(tmp_path / "q").items()}
    del after["rejected.jsonl"]
    assert after == before


def test_files_that_are_replaced_and_truncated_while_they_are_read(galedge, tmp_path, bundle):
    folder = tmp_path / "in"
    folder.mkdir()
    contents = [(folder / "x").with_suffix(f".{i}") for i in range(4)]
    for i, path in enumerate(contents):
        write_fits(path, galaxy(side=(40, 300)[i % 2], seed=i))
    contents = [path.read_bytes() for path in contents]
    names = [folder / f"{i:03}.fits" for i in range(300)]
    for path in names:
        path.write_bytes(contents[0])
    stop = threading.Event()

    def disturb(seed):
        number = seed
        while not stop.is_set():
            number += 7
            path, content = names[number % 300], contents[number % 4]
            if number % 3 == 0:
                path.write_bytes(content)
            elif number % 3 == 1:
                os.truncate(path, number * 1009 % len(content))
            else:
                other = path.with_suffix(f".{seed}")
                other.write_bytes(content)
                os.replace(other, path)

    threads = [threading.Thread(target=disturb, args=[seed]) for seed in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            process = galedge("classify", folder, "--model", bundle, "--batch", "8", "-o", "t.csv")
            assert process.returncode in (0, 3), process.stderr
            rows = nights.table(tmp_path / "t.csv")
            assert [row["path"] for row in rows] == [str(path) for path in names]
            assert all(bool(row["label"]) != bool(row["error"]) for row in rows)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("command_name", ["classify", "watch"])
def test_a_folder_that_disappears_under_a_run(tmp_path, bundle, command_name):
    folder = tmp_path / "in"
    nights.long_folder(folder, 3000)
    arguments = ["--model", bundle, "-o", tmp_path / "t.jsonl"]
    process = nights.start(command_name, folder, *arguments)
    time.sleep(0.7)
    shutil.rmtree(folder)
    if command_name == "watch":
        time.sleep(0.7)
        process.terminate()
    nights.end(process)
    assert process.returncode in (0, 1, 2, 3)
    rows = nights._rows(tmp_path / "t.jsonl")
    assert len({row["path"] for row in rows}) == len(rows)
    assert sorted(os.listdir(tmp_path)) in ([], ["t.jsonl"])


# --- models -------------------------------------------------------------------


def test_networks_that_are_none(galedge, tmp_path, night, network):
    contents = {
        "truncated": network[: len(network) // 2],
        "empty": b"",
        "text": b"<html>404 Not Found</html>",
        "zeros": bytes(1000),
        "noise": hostile.contents()["noise.fits"],
        "pickle": b"PK\x03\x04" + bytes(2000),
    }
    for name, content in contents.items():
        write_bundle(tmp_path / name, {"fp32": content})  # with the right hash
        with pytest.raises(ModelError, match=rf"{name}/model\.fp32\.onnx: "):
            Model.load(tmp_path / name)
    process = galedge("classify", night, "--model", tmp_path / "truncated", "-o", "t.csv")
    assert process.returncode == 1
    assert process.stderr.startswith(f"galedge: {tmp_path}/truncated/model.fp32.onnx: ")
    assert len(process.stderr.splitlines()) == 1
    assert sorted(os.listdir(tmp_path)) == sorted([*contents, "night"])


def test_bundles_that_were_tampered_with(galedge, tmp_path, night, network):
    folder = write_bundle(tmp_path / "m", {"fp32": network})
    (folder / "model.fp32.onnx").write_bytes(tiny_network(seed=5))  # good, but another
    for arguments in (["classify", night], ["watch", night, "--once"]):
        process = galedge(*arguments, "--model", folder, "-o", "t.jsonl")
        assert process.returncode == 1
        assert "not the file that card.json describes" in process.stderr
        assert not (tmp_path / "t.jsonl").exists()


# --- permissions ----------------------------------------------------------------


@pytest.fixture
def public(bundle):
    """Return a folder that anybody may reach, with `in`, `out` and a model."""
    if os.getuid() != 0:
        pytest.skip("only root can become nobody")
    place = Path(tempfile.mkdtemp(prefix="galedge-"))
    place.chmod(0o755)
    shutil.copytree(bundle, place / "model")
    for name in ("in", "out"):
        (place / name).mkdir()
    for i in range(3):
        write_fits(place / "in" / f"{i}.fits", galaxy(seed=i))
    yield place
    shutil.rmtree(place)


# Run first as oneself, which imports all there is: nobody may be kept from Python's files.
AS_NOBODY = """
import os, sys, tempfile
import galedge.cli
model, image, nobody = sys.argv[1:4]
options = ["--model", model, "--quiet", "--quarantine", "q", "--write-back", "copies"]
with tempfile.TemporaryDirectory() as folder:
    here = os.getcwd()
    os.chdir(folder)
    for run in (["classify", image, "missing.fits", "--nonsense"],
                ["classify", image, "missing.fits", "-o", "t.csv", "--resume"],
                ["watch", os.path.dirname(image), "-o", "n.jsonl", "--once"]):
        try:
            galedge.cli.cli.main([*run, *options], standalone_mode=False)
        except Exception:
            pass  # the usage, and the missing file
    os.chdir(here)
os.setgroups([])
os.setgid(int(nobody))
os.setuid(int(nobody))
galedge.cli.main(sys.argv[4:])
"""


def as_nobody(place, *arguments):
    model, image = place / "model", place / "in/0.fits"
    whole = [model, image, NOBODY, *arguments, "--model", model]
    process = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *map(str, whole)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in process.stderr, process.stderr
    return process


def test_unreadable_files_and_folders_are_rows(public):
    os.chown(public / "out", NOBODY, NOBODY)
    (public / "in/1.fits").chmod(0o600)
    (public / "in/secret").mkdir(mode=0o700)
    process = as_nobody(public, "classify", public / "in", "-o", public / "out/t.csv")
    assert process.returncode == 3
    errors = {Path(r["path"]).name: r["error"] for r in nights.table(public / "out/t.csv")}
    assert errors["0.fits"] == errors["2.fits"] == ""
    assert "ermission denied" in errors["1.fits"]
    assert errors["secret"] == "cannot be listed: permission denied"
    output = public / "out/n.jsonl"
    os.utime(public / "in/1.fits", (1, 1))
    process = as_nobody(public, "watch", public / "in", "-o", output, "--once")
    assert process.returncode == 3
    assert "secret: cannot be listed: permission denied; passed over" in process.stderr
    assert [row["status"] for row in nights._rows(output)] == ["ok", "error", "ok"]


def test_where_nothing_may_be_written(public):
    inputs, out = public / "in", public / "out"
    (inputs / "bad.fits").write_text("bad")
    (public / "mine").mkdir()
    os.chown(public / "mine", NOBODY, NOBODY)
    for arguments in (
        ["classify", inputs, "-o", out / "t.csv"],
        ["classify", inputs, "-o", out / "t.csv", "--resume"],
        ["classify", inputs, "-o", public / "mine/t.csv", "--quarantine", out / "q"],
        ["classify", inputs, "-o", public / "mine/t.csv", "--write-back", out / "copies"],
        ["watch", inputs, "-o", out / "n.jsonl", "--once"],
    ):
        process = as_nobody(public, *arguments)
        assert process.returncode == 1
        assert "ermission denied" in process.stderr
        assert len(process.stderr.splitlines()) == 1
        assert os.listdir(out) == []


def test_files_that_may_not_be_moved_stay(public):
    (public / "in/bad.fits").write_text("bad")
    os.chown(public / "out", NOBODY, NOBODY)
    process = as_nobody(
        *[public, "classify", public / "in", "-o", public / "out/t.csv"],
        *["--quarantine", public / "out/q", "--quarantine-move"],
    )
    assert process.returncode == 3
    assert "in/bad.fits: cannot be moved: Permission denied" in process.stderr
    assert (public / "in/bad.fits").read_text() == "bad"
    assert os.listdir(public / "out/q") == ["rejected.jsonl"]
