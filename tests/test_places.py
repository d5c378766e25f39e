"""One place each: a toy of each kind is added through that place alone, and works everywhere.

From the command line, in its help, in the lists that errors and `galedge info` show; and the
check of the documentation's lists (tests/docs/test_lists.py) says that the toy is missing there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.made import CLASSES, bundle_of, galaxy, rows, write_bundle, write_fits
from test_imports import HEAVY, modules_after

from galedge import Recipe

ROOT = Path(__file__).parents[1]

# --- modules -----------------------------------------------------------------------------------

TABLE = '''
"""A name and a value a line."""

class Lines:
    extensions = (".toy",)
    needs = ()
    vectors = False

    def __init__(self, file, columns, folder=""):
        self.file = file

    def write(self, row):
        self.file.write(f"{row['path']} is {row['label']}\\n".encode())

    def finish(self, about):
        self.file.write(f"{about['rows']} rows\\n".encode())

FORMAT = Lines
'''

ENGINE = '''
"""ONNX Runtime by another name."""

from galedge.network.engines.onnxruntime import OnnxRuntimeEngine

class Toy(OnnxRuntimeEngine):
    packages, install, devices, delay = ("onnxruntime",), "pip install toys", ("cpu",), 9

ENGINE = Toy
'''

ADAPTER = '''
"""A dome that turns when it hears a class."""

class Dome:
    about, packages, install = "domes that listen", ("toy_dome",), "pip install toy-dome"

    @staticmethod
    def tell(result):
        return f"TURN {result.label}"

ADAPTER = Dome
'''

HEAD = '''
"""How much redder the first class is."""

from galedge.network.heads.base import Head, field

class Toy(Head):
    kind = "toy"

    @classmethod
    def parse(cls, fields):
        return cls(field(fields, "name", str), field(fields, "output", str), False)

    @property
    def shape(self):
        return (3,)

    @property
    def columns(self):
        return (self.column(self.name, "a toy's", ),)

    def decode(self, outputs):
        return outputs[self.output].mean(axis=1, keepdims=True)

HEAD = Toy
'''


COMMAND = '''
"""``galedge hello``."""

import click

@click.command()
def hello():
    """Greet the night."""
    click.echo("hello")
'''


@dataclass
class Toys:
    """A command line that knows a toy, which lies in a folder of its own."""

    environment: dict[str, str]
    folder: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "galedge", *arguments)

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, **self.environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def complaints(self, kind: str) -> str:
        """Return what the check of the documentation says of a kind."""
        code = f"from helpers.lists import complaints; print(*complaints({kind!r}), sep='; ')"
        return self.python("-c", code).stdout.strip()


@pytest.fixture
def toys(tmp_path: Path) -> Callable[[str, str, str], Toys]:
    def add(package: str, name: str, text: str) -> Toys:
        place = tmp_path / "place"
        place.mkdir()
        (place / f"{name}.py").write_text(text)
        # In every process of the test, also in those that galedge itself starts.
        site = tmp_path / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(
            f"import {package} as place\nplace.__path__.append({str(place)!r})\n"
        )
        write_fits(tmp_path / "a.fits", galaxy(), OBJECT="A")
        path = os.pathsep.join([str(site), str(ROOT), str(ROOT / "tests")])
        return Toys({"PYTHONPATH": path}, tmp_path)

    return add


def test_a_table_format(toys, bundle):
    toy = toys("galedge.tables.formats", "toy", TABLE)
    done = toy.run("classify", "a.fits", "-o", "night.toy", "--model", bundle)
    assert done.returncode == 0, done.stderr
    first, last = (toy.folder / "night.toy").read_text().splitlines()
    assert first.startswith("a.fits is ")
    assert last == "1 rows"
    assert ".toy" in toy.run("classify", "--help").stdout
    refused = toy.run("classify", "a.fits", "-o", "night.doc", "--model", bundle)
    assert refused.returncode == 1
    assert ".parquet, .toy, .vot" in refused.stderr
    assert ".toy" in toy.run("info").stdout
    assert toy.complaints("tables") == "docs/cli.md lacks .toy of the tables"


def test_an_engine(toys, bundle):
    toy = toys("galedge.network.engines", "toy", ENGINE)
    done = toy.run("classify", "a.fits", "--engine", "toy", "--model", bundle)
    assert done.returncode == 0, done.stderr
    (row,) = rows(done.stdout)
    assert (row["status"], row["engine"]) == ("ok", "toy")
    assert "auto|onnxruntime|openvino|cuda|toy" in toy.run("classify", "--help").stdout
    refused = toy.run("classify", "a.fits", "--engine", "steam", "--model", bundle)
    assert refused.returncode == 2
    assert "auto, onnxruntime, openvino, cuda, toy" in refused.stderr
    refused = toy.run("classify", "a.fits", "--engine", "toy", "--device", "cuda")
    assert "engine toy runs on the CPU" in refused.stderr
    measured = toy.run("engines", "--model", bundle)
    assert measured.returncode == 0, measured.stderr
    assert "toy          cpu     fp32" in measured.stdout
    assert "cuda toy" in toy.run("info").stdout
    assert toy.complaints("engines") == "docs/cli.md lacks toy of the engines"


def test_an_adapter(toys, bundle):
    toy = toys("galedge.nights.adapters", "dome", ADAPTER)
    listed = toy.run("adapters").stdout
    assert "dome         domes that listen" in listed
    assert "needs toy_dome, which is not installed: pip install toy-dome" in listed
    assert toy.run("adapters", "dome").stdout.startswith("A dome that turns")
    done = toy.run("adapters", "dome", "a.fits", "--model", bundle)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "TURN"
    assert done.stdout.split()[1] in CLASSES
    from galedge.nights.adapters import adapters

    known = sorted([*adapters(), "dome"])
    assert f"none of {', '.join(known)}" in toy.run("adapters", "phone", "a.fits").stderr
    assert " ".join(known) in toy.run("info").stdout
    assert toy.complaints("adapters") == "docs/cli.md lacks dome of the adapters"


def test_a_kind_of_head(toys, tmp_path):
    toy = toys("galedge.network.heads", "toy", HEAD)
    entries = [{"kind": "toy", "name": "redness", "output": "colours"}]
    folder = bundle_of(tmp_path / "m", entries, outputs={"colours": 3})
    done = toy.run("classify", "a.fits", "--model", folder)
    assert done.returncode == 0, done.stderr
    (row,) = rows(done.stdout)
    assert row["status"] == "ok"
    assert float(row["redness"])
    assert "redness" in toy.run("classify", "a.fits", "--json", "--model", folder).stdout
    assert "quantity toy typicality" in toy.run("info").stdout
    assert toy.complaints("heads") == "docs/design.md lacks toy of the heads"


def test_a_command(toys):
    toy = toys("galedge.cli.commands", "hello", COMMAND)
    assert toy.run("hello").stdout == "hello\n"
    assert "  hello      Greet the night." in toy.run("--help").stdout


def test_what_is_in_a_place_imports_little():
    """Help and lists import all of it."""
    code = """
from galedge.nights.adapters import adapters
from galedge.network.engines import engines
from galedge.tables.formats import formats
assert formats() and engines() and adapters()
"""
    assert modules_after(code).isdisjoint(HEAVY)


# --- entries in the core's tables --------------------------------------------------------------

ENTRIES = {
    "codecs.cpp": [
        (
            '        {"NOCOMPRESS", ',
            '        {"TOY_1", nullptr, false, no_parameters, raw_pixels, decode_raw},\n',
        )
    ],
    "stretch.cpp": [
        ('        {"zscale", ', '        {"toy", stretch_toy, stretch_toy},\n'),
        (
            "// Linear between the zscale limits",
            "template <class Out>\n"
            "void stretch_toy(const Light& light, Out* out, StretchScratch&) {\n"
            "    const auto scale = static_cast<float>(1 / light.white_level);\n"
            "    for (int c = 0; c < light.count; ++c)\n"
            "        kernels::linear(out + c * light.n, light.bands[c], 0.0f, scale, light.n);\n"
            "    if (light.count == 1) repeat_first(out, light.n);\n"
            "}\n\n",
        ),
    ],
    "frame.cpp": [
        ('        {"full", ', '        {"corner", frame_corner},\n'),
        (
            "Framed frame_all(",
            "Framed frame_corner(const Scene&, FrameScratch&) { return {{0, 0, 20}}; }\n\n",
        ),
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    """A copy of the project with one entry more in each of the core's tables, built."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, source / name)
    for name, entries in ENTRIES.items():
        text = (source / "csrc" / name).read_text()
        for before, added in entries:
            assert text.count(before) == 1, before
            text = text.replace(before, added + before)
        (source / "csrc" / name).write_text(text)
    arguments = ["pip", "install", "--quiet", "--no-deps", "--target", site, source]
    subprocess.run([sys.executable, "-m", *map(str, arguments)], check=True, timeout=1500)
    for core in (site / "galedge" / "core").glob("_core.*.so"):
        shutil.copy2(core, source / "galedge" / "core")
    path = os.pathsep.join([str(source), str(source / "tests")])
    return Toys({"PYTHONPATH": path}, tmp_path_factory.mktemp("work"))


@pytest.mark.slow
def test_a_codec(built):
    from astropy.io import fits

    write_fits(built.folder / "plain.fits", galaxy())
    packed = fits.CompImageHDU(galaxy(), compression_type="NOCOMPRESS", quantize_level=0)
    packed.writeto(built.folder / "toy.fits", overwrite=True)
    file = built.folder / "toy.fits"
    file.write_bytes(file.read_bytes().replace(b"'NOCOMPRESS'", b"'TOY_1     '"))
    assert "TOY_1" in built.run("info", "toy.fits").stdout
    done = built.run("classify", "plain.fits", "toy.fits")
    assert done.returncode == 0, done.stderr
    plain, toy = rows(done.stdout)
    assert toy["hdu"] == "1"
    for column in ("label", "probability", "sky", "noise"):
        assert toy[column] == plain[column]
    assert "TOY_1" in built.run("info").stdout
    assert built.complaints("codecs") == "docs/fits.md lacks TOY_1 of the codecs"


@pytest.mark.slow
def test_a_stretch(built, network):
    folder = write_bundle(
        built.folder / "m", {"fp32": network}, recipe={"size": 16, "stretch": "toy"}
    )
    write_fits(built.folder / "a.fits", galaxy())
    done = built.run("classify", "a.fits", "--model", folder)
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)[0]["status"] == "ok"
    code = (
        "import galedge, numpy, sys; image = galedge.read('a.fits').data\n"
        "for name in ('toy', 'asinh'):\n"
        "    pixels = galedge.prepare([image], galedge.Recipe(stretch=name)).pixels\n"
        "    print(numpy.median(pixels))\n"
    )
    toy, asinh = map(float, built.python("-c", code).stdout.split())
    assert toy < asinh  # linear: the outskirts are darker
    assert "stretches   asinh lupton toy zscale" in built.run("info").stdout
    assert built.complaints("stretches") == "docs/preparation.md lacks toy of the stretches"
    with pytest.raises(ValueError, match="stretch must be one of asinh, lupton, zscale, not 'toy'"):
        Recipe(stretch="toy")


@pytest.mark.slow
def test_a_framing(built):
    write_fits(built.folder / "b.fits", galaxy())
    done = built.run("classify", "b.fits", "--frame", "corner")
    assert done.returncode == 0, done.stderr
    row = rows(done.stdout)[0]
    np.testing.assert_allclose([float(row["x"]), float(row["y"])], 9.5)
    assert "--frame auto|corner|full|PIXELS" in built.run("classify", "--help").stdout
    refused = built.run("classify", "b.fits", "--frame", "door")
    assert "none of auto, corner, full, or a number of pixels" in refused.stderr
    assert built.complaints("framings") == "docs/preparation.md lacks corner of the framings"
