"""Hostile and broken files: an answer or a GaledgeError, soon and cheaply."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import itertools
import os
import socket
import tarfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import faults
from helpers.fits_files import EMPTY_PRIMARY, extension, header, primary
from helpers.seeds import seeds

from galedge.core import _core
from galedge.core import fallback as _fallback
from galedge.errors import GaledgeError, ReadError, TooLarge, Truncated
from galedge.images.formats import open_source
from galedge.images.image import describe, read

CORPUS = Path(__file__).parent / "corpus.tar.xz"


@pytest.fixture(autouse=True, params=["core", "pure"])
def backend(request, monkeypatch):
    """Read by the compiled core, or by what stands in for it."""
    if request.param == "core":
        return _core
    for module in faults.READERS:
        monkeypatch.setattr(module, "_core", _fallback)
    return _fallback


def assert_harmless(files: Iterable[tuple[str, bytes]]) -> int:
    before, count = faults.reset_peak(), 0
    for name, content in files:
        start = time.perf_counter()
        faults.attempt(content)
        assert time.perf_counter() - start < faults.MOST_SECONDS, name
        count += 1
    assert faults.peak() - before < faults.MOST_BYTES
    return count


def test_seeds_are_good_files():
    outcomes = {name: faults.attempt(content) for name, content in seeds().items()}
    assert outcomes.pop("groups") == "ReadError"  # random groups are no image
    assert set(outcomes.values()) == {"read"}


def test_structured_faults(backend):
    if backend is _core:
        assert assert_harmless(faults.structured()) > 10_000
    else:  # which takes many times as long
        assert assert_harmless(itertools.islice(faults.structured(), 0, None, 7)) > 1500


def test_random_mutants(backend):
    count = 2000 if backend is _core else 500
    assert assert_harmless(faults.mutants(count, seed=1)) == count


def test_corpus_of_the_fuzzer():
    with tarfile.open(CORPUS) as archive:
        files = [(item.name, archive.extractfile(item).read()) for item in archive]
    assert assert_harmless(files) > 100


def test_every_truncation_of_an_image_is_noticed(tmp_path):
    content = EMPTY_PRIMARY + extension(np.zeros((70, 80)), -32)
    complete = 2 * 2880 + 4 * 70 * 80
    path = tmp_path / "cut.fits"
    for cut in [*range(0, complete, 1441), complete - 1]:
        path.write_bytes(content[:cut])
        for source in (path, content[:cut], bz2.compress(content[:cut])):
            with pytest.raises(ReadError):
                read(source, 1)
    np.testing.assert_array_equal(read(content[:complete], 1).data, 0)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gz", "bz2"])
def test_every_truncation_of_a_packed_image_is_noticed(pack):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(150, 160))
    content = pack(primary(values, -32))
    for cut in range(0, len(content) - 40, 997):
        with pytest.raises(ReadError):
            read(content[:cut])
    np.testing.assert_array_equal(read(content).data, values.astype(np.float32))


@pytest.mark.parametrize("size", [3000, 100_000, 3_000_000])
def test_truncated_gzip_is_truncated_and_damaged_gzip_is_not(size):
    rng = np.random.default_rng(2)
    content = gzip.compress(primary(rng.integers(0, 255, (10, size // 10)), 8))
    for cut in (len(content) // 2, 3 * len(content) // 4):
        with pytest.raises(Truncated):
            read(content[:cut])
    damaged = bytearray(content)
    middle = len(damaged) // 2
    damaged[middle : middle + 400] = bytes(400)
    with pytest.raises(ReadError, match="gzip stream is damaged") as caught:
        read(bytes(damaged))
    assert type(caught.value) is ReadError


def test_checks_of_a_gzip_member_are_compared():
    content = bytearray(gzip.compress(primary(np.arange(100).reshape(10, 10), 16)))
    content[-8] ^= 1  # CRC-32
    with pytest.raises(ReadError):
        read(bytes(content))


@functools.cache
def bombs(pack) -> dict[str, bytes]:
    zeros = bytes(100 << 20)
    endless = header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0)], end=False)
    return {
        "no FITS": pack(zeros),
        "after the image": pack(primary(np.ones((3, 3)), -32) + zeros),
        "after an empty HDU": pack(EMPTY_PRIMARY + zeros),
        "in the header": pack(endless + b" " * (50 << 20)),
    }


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gz", "bz2"])
def test_bombs_cost_nothing(pack):
    bombs(pack)  # is not what is measured
    # Nothing here can wait: the processor's time, which others on it do not lengthen.
    before, start = faults.reset_peak(), time.process_time()
    for name, bomb in bombs(pack).items():
        if name == "after the image":
            np.testing.assert_array_equal(read(bomb).data, 1)
            assert len(describe(bomb)) == 1
            continue
        with pytest.raises(ReadError):
            read(bomb)
    assert time.process_time() - start < faults.MOST_SECONDS
    assert faults.peak() - before < faults.MOST_BYTES


def test_bombs_are_inflated_to_the_bound_at_most(backend):
    def behind(pixels):
        cards = [("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", pixels)]
        return gzip.compress(header(cards) + bytes(100 << 20))

    before = faults.reset_peak()
    for pixels in (99 << 20, 1 << 40):
        with pytest.raises(TooLarge, match="inflates to more than"):
            backend.open_fits_buffer(behind(pixels), 1000).image()
    assert faults.peak() - before < 3 * (64 << 20)


def test_bomb_of_many_headers():
    hdu = extension(np.zeros(4), 8)
    bomb = gzip.compress(EMPTY_PRIMARY + hdu * 20_000, 1)
    with pytest.raises(TooLarge, match="more than 10000 HDUs"):
        read(bomb)


def test_gzip_that_promises_more_than_it_can_hold():
    content = gzip.compress(header([
        ("SIMPLE", True), ("BITPIX", -64), ("NAXIS", 2), ("NAXIS1", 16_000), ("NAXIS2", 16_000),
    ]) + bytes(3 << 20))  # fmt: skip
    before = faults.reset_peak()
    with pytest.raises(
        Truncated, match=r"promises 2048002880 bytes, more than|the file ends after"
    ):
        read(content)
    assert faults.peak() - before < faults.MOST_BYTES


@pytest.mark.parametrize("members", [1, 2, 7])
def test_gzip_members_are_joined(members):
    values = np.random.default_rng(4).normal(size=(200, 300))
    content = primary(values, -32)
    step = -(-len(content) // members)
    packed = b"".join(gzip.compress(content[i : i + step]) for i in range(0, len(content), step))
    for tail in (b"", b"\0" * 512, b"junk behind it"):
        np.testing.assert_array_equal(read(packed + tail).data, values.astype(np.float32))


def test_stored_blocks_of_gzip():
    # libdeflate fills nothing of a stored block that does not fit.
    values = np.random.default_rng(4).integers(0, 255, (700, 1000))
    content = EMPTY_PRIMARY + extension(values, 8) + extension(values, 8)
    packed = gzip.compress(content, 0)
    for hdu in (1, 2):
        np.testing.assert_array_equal(read(packed, hdu).data, values)


# --- things that are no files -----------------------------------------------------


def refused(path: Path, message: str) -> None:
    start = time.perf_counter()
    for function in (read, describe):
        with pytest.raises(ReadError, match=message):
            function(path)
    assert time.perf_counter() - start < faults.MOST_SECONDS


def test_fifo(tmp_path):
    path = tmp_path / "a.fits"
    os.mkfifo(path)
    refused(path, "is a FIFO, not a regular file")


def test_socket(tmp_path):
    path = tmp_path / "a.fits"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        refused(path, "is a socket, not a regular file")


def test_directory(tmp_path):
    path = tmp_path / "a.fits"
    path.mkdir()
    refused(path, "is a directory, not a regular file")


def test_links(tmp_path):
    loop = tmp_path / "loop.fits"
    loop.symlink_to(loop)
    refused(loop, "Too many levels of symbolic links")
    dangling = tmp_path / "dangling.fits"
    dangling.symlink_to(tmp_path / "nothing")
    refused(dangling, "a symbolic link to a file that does not exist")
    good = tmp_path / "good.fits"
    (tmp_path / "there").write_bytes(primary(np.ones((2, 2)), 16))
    good.symlink_to(tmp_path / "there")
    np.testing.assert_array_equal(read(good).data, 1)


def test_device():
    refused(Path("/dev/zero"), "is a device, not a regular file")


def test_file_that_shrinks_while_it_is_read(tmp_path, backend):
    path = tmp_path / "a.fits"
    path.write_bytes(primary(np.ones((600, 600)), -32))
    file = backend.open_fits(path)
    hdu = file.image()
    os.truncate(path, 300_000)
    with pytest.raises(Truncated, match="the file shrank while being read"):
        file.read(hdu)


def test_a_table_cannot_be_read_as_an_image(backend):
    content = seeds()["rice16"].replace(b"ZIMAGE  =                    T", b"COMMENT".ljust(30))
    file = backend.open_fits_buffer(content)
    assert [hdu.kind for hdu in file.hdus()] == ["image", "table"]
    with pytest.raises(GaledgeError, match="HDU 1 is not an image"):
        file.read(file.hdus()[1])


def test_a_file_object_that_never_ends():
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"SIMPLE  =" + bytes(size - 9)

    with pytest.raises(TooLarge, match="raise max_pixels"):
        read(Endless(), max_pixels=1000)


# --- threads ----------------------------------------------------------------------


def test_threads_may_share_a_file_or_have_their_own(tmp_path):
    contents = {
        name: content for name, content in seeds().items() if name not in ("groups", "extensions")
    }
    expected = {name: read(content).data for name, content in contents.items()}
    paths = {}
    for name, content in contents.items():
        paths[name] = tmp_path / name.replace(" ", "_")
        paths[name].write_bytes(content)
    shared = {name: open_source(str(path), 1 << 28, None) for name, path in paths.items()}

    def work(name: str) -> bool:
        own = read(paths[name]).data
        file = shared[name]
        also = file.read(file.image(None), None, None, False)
        return all(np.array_equal(expected[name], d, equal_nan=True) for d in (own, also))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, list(contents) * 40))


def test_hdus_of_another_file_are_refused(backend):
    one, other = (backend.open_fits_buffer(seeds()[name]) for name in ("plain8", "plain16"))
    for function in (one.read, one.verify):
        with pytest.raises(ReadError, match="the HDU belongs to another file"):
            function(other.image())


@pytest.mark.parametrize("kind", ["plain", "gzip", "rice", "truncated"])
def test_large_files_take_no_more_than_their_pixels_ask_for(kind, backend, tmp_path):
    if backend is _fallback:
        pytest.skip("the bound is the core's; NumPy keeps more copies")
    from astropy.io import fits

    from galedge.images.prepare import prepare

    image = np.random.default_rng(0).normal(100, 5, (4096, 4096)).astype(np.float32)
    path = tmp_path / ("a.fits.gz" if kind == "gzip" else "a.fits")
    hdu = fits.CompImageHDU(image) if kind == "rice" else fits.PrimaryHDU(image)
    hdu.writeto(path)
    pixels = image.nbytes
    if kind == "truncated":
        os.truncate(path, 4 << 20)
        pixels = 4 << 20
    del image, hdu
    before = faults.reset_peak()
    (facts,) = prepare([path]).facts
    assert (facts.error is None) == (kind != "truncated")
    assert faults.peak() - before < (64 << 20) + 4 * pixels
