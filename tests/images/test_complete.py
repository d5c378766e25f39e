"""Whether a file is all there: at every length a writer may pause at."""

import bz2
import gzip
import io
import os

import numpy as np
import pytest
from helpers.fits_files import EMPTY_PRIMARY, extension, header, primary
from helpers.seeds import seeds
from PIL import Image as Picture

from galedge.images.complete import is_complete


def pictures():
    noise = np.random.default_rng(3).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    found = {}
    for kind in ("jpeg", "png", "tiff"):
        out = io.BytesIO()
        Picture.fromarray(noise).save(out, kind)
        found[kind] = out.getvalue()
    out = io.BytesIO()
    np.save(out, noise.astype(np.float32))
    return found | {"npy": out.getvalue()}


IMAGE = np.random.default_rng(2).integers(0, 255, (60, 70))
MANY = EMPTY_PRIMARY + extension(IMAGE, -32) + extension(IMAGE, 8)
COUNTED = primary(IMAGE, 16, ("EXTEND", True), ("NEXTEND", 1)) + extension(IMAGE, 8)
FILES = pictures() | {
    "plain": primary(IMAGE, -32),
    "counted": COUNTED,
    "gz": gzip.compress(MANY),
    "members": gzip.compress(MANY[:9000]) + gzip.compress(MANY[9000:]),
    "bz2": bz2.compress(MANY),
}


@pytest.mark.parametrize("name", FILES)
def test_no_part_of_a_file_is_complete(tmp_path, name):
    path, content = tmp_path / "a", FILES[name]
    # The first of two gzip members is a whole file as long as the rest has not come.
    last = 12 if name == "members" else 1
    for cut in {*range(0, len(content), max(1, len(content) // 150)), len(content) - last}:
        path.write_bytes(content[:cut])
        assert not is_complete(str(path)), cut
    path.write_bytes(content)
    assert is_complete(str(path))


def test_every_seed_is_complete(tmp_path):
    for name, content in seeds().items():
        (tmp_path / "a").write_bytes(content)
        assert is_complete(str(tmp_path / "a")) == (name != "groups"), name


def test_the_image_that_is_wanted_must_be_there(tmp_path):
    (tmp_path / "a").write_bytes(MANY[: len(EMPTY_PRIMARY)])
    assert not is_complete(str(tmp_path / "a"))
    (tmp_path / "a").write_bytes(MANY)
    assert is_complete(str(tmp_path / "a"), 2)
    assert not is_complete(str(tmp_path / "a"), 3)


def test_what_is_no_image_is_not_complete(tmp_path):
    path = tmp_path / "a.fits"
    zeros = bytes(5 << 20)
    huge = header([("SIMPLE", True), ("BITPIX", -64), ("NAXIS", 2), ("NAXIS1", 1 << 40),
                   ("NAXIS2", 1 << 40)])  # fmt: skip
    bomb = primary(IMAGE, 8) + zeros
    for content in (b"", b"text", bytes(3000), gzip.compress(b"text"), gzip.compress(zeros), huge,
                    gzip.compress(bomb), bz2.compress(bomb), b"BZh9", b"\x1f\x8b"):  # fmt: skip
        path.write_bytes(content)
        assert not is_complete(str(path)), content[:20]
    os.unlink(path)
    assert not is_complete(str(path))
    assert not is_complete(str(tmp_path))
    os.mkfifo(path)
    assert not is_complete(str(path))
    assert not is_complete("a\0b")


def test_what_follows_a_complete_file_does_not_matter(tmp_path):
    path = tmp_path / "a"
    for content in (primary(IMAGE, -32), gzip.compress(MANY), bz2.compress(MANY)):
        path.write_bytes(content + b"\0" * 200)
        assert is_complete(str(path))
