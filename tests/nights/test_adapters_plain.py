r"""Siril, N.I.N.A. and Ekos: arguments as they come, also of Windows, lines, exit codes."""

import io
import json
import os
import sys
from pathlib import PureWindowsPath

import numpy as np
import pytest
from helpers.made import CLASSES, galaxy, write_fits

from galedge.errors import GaledgeError
from galedge.nights.adapters.ekos import images_of
from galedge.nights.adapters.nina import newest, told_by
from galedge.nights.adapters.plain import plain, tidy
from galedge.nights.adapters.siril import run

# --- arguments and lines -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        (r"C:\Images\M 51\a.fits", r"C:\Images\M 51\a.fits"),
        (r'"C:\Images\M 51\a.fits"', r"C:\Images\M 51\a.fits"),
        (r"'C:\Images\a.fits'", r"C:\Images\a.fits"),
        ('C:\\Images\\"', "C:\\Images\\"),  # what "C:\Images\" arrives as
        ("C:/Images/a.fits", "C:/Images/a.fits"),
        (r"\\nas\astro\a.fits", r"\\nas\astro\a.fits"),
        (r"\\?\C:\very\long\a.fits", r"\\?\C:\very\long\a.fits"),
        ("file:///C:/Images/M%2051/a.fits", "C:/Images/M 51/a.fits"),
        ("file:///home/me/a%20b.fits", "/home/me/a b.fits"),
        ("/home/me/it's.fits", "/home/me/it's.fits"),
        ("a.fits\r\n", "a.fits"),
        ('say "hi".fits', 'say "hi".fits'),
    ],
)
def test_a_path_as_it_was_meant(argument, meant):
    assert tidy(argument) == meant
    assert tidy(tidy(argument)) == meant


def test_a_tidy_path_is_one_of_windows():
    path = PureWindowsPath(tidy('"C:\\Images\\M 51\\a.fits"'))
    assert (path.drive, path.name, path.parent.name) == ("C:", "a.fits", "M 51")


def test_a_line(classifier, tmp_path):
    write_fits(tmp_path / "a.fits", galaxy())
    good, bad = classifier.classify([tmp_path / "a.fits", tmp_path / "none.fits"])
    line = plain(good, "a.fits")
    assert line.startswith(f"a.fits: {good.label} {good.probability:.2f}, T {good.t_type:.1f} +- ")
    assert plain(bad, "none.fits").startswith("none.fits: rejected: ")
    assert plain(good, "M 31 \N{GREEK SMALL LETTER ALPHA}\x1b\n").isascii()
    assert "\n" not in plain(good, "a\nb")


def test_a_line_of_another_question(other, tmp_path):
    from galedge import Classifier

    write_fits(tmp_path / "a.fits", galaxy())
    result = Classifier(other, workers=1).classify(tmp_path / "a.fits")
    assert plain(result, "a.fits").startswith(f"a.fits: {result.label} ")
    assert " T " not in plain(result, "a.fits")


# --- Siril -------------------------------------------------------------------------------------


class Interface:
    """What sirilpy's interface has of what the script asks."""

    def __init__(self, pixels, header):
        self.said, self._pixels, self._header = [], pixels, header

    def connect(self):
        self.said.append("connected")

    def get_image_pixeldata(self):
        return self._pixels

    def get_image_fits_header(self):
        return self._header

    def get_image_filename(self):
        return r"C:\Astro\M51.fit"

    def log(self, text):
        self.said.append(text)


def test_siril_hears_what_its_image_shows(classifier):
    pytest.importorskip("astropy")
    header = "SIMPLE  =                    T\nOBJECT  = 'M51'\nROWORDER= 'TOP-DOWN'\nEND"
    siril = Interface(galaxy(), header)
    result = run(siril, classifier)
    assert (result.object, result.upwards) == ("M51", False)
    line = plain(result, r"C:\Astro\M51.fit")
    assert siril.said == ["connected", f"galedge: {line}"]
    assert result.label in CLASSES


@pytest.mark.parametrize("header", [None, "", "junk"])
def test_siril_s_image_without_a_header(classifier, header):
    siril = Interface(np.stack([galaxy()] * 3), header)
    assert run(siril, classifier).ok


def test_a_command_for_siril(galedge, bundle, tmp_path):
    write_fits(tmp_path / "a b.fits", galaxy())
    done = galedge("adapters", "siril", '"a b.fits"', "--model", bundle)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a b.fits: ")
    done = galedge("adapters", "siril", "none.fits", "--model", bundle)
    assert done.returncode == 3
    assert "rejected" in done.stdout


# --- N.I.N.A. ----------------------------------------------------------------------------------

USUAL = (
    r"$$DATEMINUS12$$\$$IMAGETYPE$$\$$DATETIME$$_$$FILTER$$_$$SENSORTEMP$$"
    r"_$$EXPOSURETIME$$s_$$FRAMENR$$"
)


def test_what_nina_s_paths_say():
    path = r"D:\Astro\2026-09-03\LIGHT\2026-09-03_21-23-32_Ha_-10.00_300.00s_0007.fits"
    told = told_by(path, USUAL)
    assert told == {
        "DATEMINUS12": "2026-09-03",
        "IMAGETYPE": "LIGHT",
        "DATETIME": "2026-09-03_21-23-32",
        "FILTER": "Ha",
        "SENSORTEMP": "-10.00",
        "EXPOSURETIME": "300.00",
        "FRAMENR": "0007",
    }
    assert told_by(path.replace("\\", "/"), USUAL.replace("\\", "/")) == told
    assert told_by(path.replace("_Ha_", "__"), USUAL)["FILTER"] == ""  # no filter wheel
    assert told_by(path.replace(".fits", "(1).fits.fz"), USUAL) == told
    assert told_by(r"D:\Astro\a.fits", USUAL) is None
    assert told_by(path.replace("300.00s", "long"), USUAL) is None


def test_tokens_that_come_twice_and_names_with_signs():
    pattern = r"$$TARGETNAME$$\SESSION_$$DATEMINUS12$$\$$TARGETNAME$$ [$$FILTER$$]"
    path = r"C:\N.I.N.A\M 51 (Whirlpool)\SESSION_2026-01-01\M 51 (Whirlpool) [L-eNhance].fits"
    told = told_by(path, pattern)
    assert (told["TARGETNAME"], told["FILTER"]) == ("M 51 (Whirlpool)", "L-eNhance")
    assert told_by(path.replace("SESSION_2026-01-01", "SESSION_none"), pattern) is None


@pytest.fixture
def images(tmp_path):
    """A folder as N.I.N.A. fills it; the flats were taken last."""
    folder = tmp_path / "images"
    for at, name in enumerate(
        (
            "2026-09-03/LIGHT/2026-09-03_21-23-32_Ha_-10.00_300.00s_0007.fits",
            "2026-09-03/LIGHT/2026-09-03_21-30-32_L_-10.00_300.00s_0008.fits",
            "2026-09-03/FLAT/2026-09-04_06-00-00_L_-10.00_2.00s_0000.fits",
        )
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_fits(path, galaxy(seed=at))
        os.utime(path, (1e9 + at, 1e9 + at))
    return folder


@pytest.mark.parametrize("pattern", [None, USUAL])
def test_the_last_light(images, pattern):
    assert newest(str(images), pattern).endswith("_0008.fits")
    for path in (images / "2026-09-03/LIGHT").iterdir():
        path.unlink()
    assert newest(str(images), pattern) is None


def test_targets_are_no_darks(tmp_path):
    """Words count, not letters: the Darkshark nebula is a light."""
    for name in ("Darkshark", "flat_0001", "MasterDark"):
        (tmp_path / f"{name}.fits").write_bytes(b"")
    assert newest(str(tmp_path)).endswith("Darkshark.fits")


def test_a_script_for_nina(galedge, bundle, images):
    done = galedge("adapters", "nina", f"{images}", USUAL, "--model", bundle)
    assert done.returncode == 0, done.stderr
    assert "_0008.fits (L): " in done.stdout
    done = galedge("adapters", "nina", images, "--model", bundle)
    assert "_0008.fits: " in done.stdout
    done = galedge("adapters", "nina", images / "2026-09-03" / "FLAT", USUAL, "--model", bundle)
    assert (done.returncode, done.stdout.endswith("FLAT: no light yet\n")) == (3, True)
    done = galedge("adapters", "nina", USUAL, "--model", bundle)
    assert done.returncode == 1
    assert "image folder" in done.stderr


def test_no_light_yet(galedge, bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    done = galedge("adapters", "nina", "empty", "--model", bundle)
    assert (done.returncode, done.stdout) == (3, "empty: no light yet\n")


# --- Ekos --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said", "paths"),
    [
        (["-metadata", json.dumps({"ts": 1, "image": "/a/b.fits", "size": 9})], "", ["/a/b.fits"]),
        (["-metadata", json.dumps({"-image": "/a/b.fits"})], "", ["/a/b.fits"]),
        (["-"], json.dumps({"filename": "/a/b.fits", "job": {"name": "M51"}}), ["/a/b.fits"]),
        (["-"], json.dumps({"capture": {"image": "/a/b.fits"}}, indent=2), ["/a/b.fits"]),
        (["-"], "/a/b.fits\n/a/c.fits\n", ["/a/b.fits", "/a/c.fits"]),
        (["/a/b c.fits"], "", ["/a/b c.fits"]),
        (["file:///a/b%20c.fits"], "", ["/a/b c.fits"]),
    ],
)
def test_what_ekos_says(arguments, said, paths, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    assert images_of(arguments) == paths


@pytest.mark.parametrize("said", ["", "{}", '{"image": ""}', "{no json", '{"image": 7}'])
def test_what_ekos_does_not_say(said, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    with pytest.raises(GaledgeError, match=r"named no image|no JSON"):
        images_of(["-"])


@pytest.mark.skipif(sys.platform == "win32", reason="a script of sh")
@pytest.mark.parametrize("way", ["-metadata", "stdin"])
def test_the_script_that_the_documentation_prints(bundle, tmp_path, way):
    import subprocess

    import galedge.nights.adapters.ekos as ekos

    lines = [line[4:] for line in ekos.__doc__.splitlines() if line.startswith("    ")]
    script = tmp_path / "galedge-ekos"
    script.write_text("\n".join(lines).replace('-- "$@"', f'--model {bundle} -- "$@"') + "\n")
    script.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "galedge").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m galedge "$@"\n')
    (tools / "galedge").chmod(0o755)
    write_fits(tmp_path / "a.fits", galaxy())
    told = json.dumps({"image": str(tmp_path / "a.fits")})
    done = subprocess.run(
        [script, *(["-metadata", told] if way == "-metadata" else [])],
        input="" if way == "-metadata" else told,
        text=True,
        timeout=100,
        env={**os.environ, "HOME": str(tmp_path), "PATH": f"{tools}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0
    assert (tmp_path / "galedge.txt").read_text().startswith(f"{tmp_path / 'a.fits'}: ")
