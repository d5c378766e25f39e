"""HCOMPRESS_1 and PLIO_1 by rustfits: the values that astropy has, or a refusal."""

from __future__ import annotations

import bz2
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.exact import by_astropy
from helpers.fits_files import image_cards, tile_table
from helpers.made import galaxy

from galedge.errors import ReadError, Unsupported
from galedge.images.image import read

fits = pytest.importorskip("astropy.io.fits")


def test_hcompress_and_plio():
    folder = Path(__import__("astropy.io.fits.hdu.compressed", fromlist=["x"]).__file__).parent
    path = folder / "tests" / "data" / "m13_hcomp.fits"
    try:
        import rustfits  # noqa: F401
    except ImportError:
        with pytest.raises(Unsupported, match="HCOMPRESS_1, which needs rustfits: pip install"):
            read(path)
        return
    from astropy.io import fits as astropy_fits

    for name in ("m13_hcomp.fits", "m13_plio.fits"):
        path = folder / "tests" / "data" / name
        expected = astropy_fits.getdata(path, 1).astype(np.float32)
        np.testing.assert_array_equal(read(path).data, expected)
        np.testing.assert_array_equal(read(path.read_bytes()).data, expected)
        part = read(path, window=(10, 20, 30, 40)).data
        np.testing.assert_array_equal(part, expected[20:60, 10:40])


def test_without_rustfits_the_remedy_is_named(monkeypatch):
    folder = Path(__import__("astropy.io.fits.hdu.compressed", fromlist=["x"]).__file__).parent
    monkeypatch.setitem(sys.modules, "rustfits", None)
    with pytest.raises(
        Unsupported, match="HCOMPRESS_1, which needs rustfits: pip install rustfits"
    ):
        read(folder / "tests" / "data" / "m13_hcomp.fits")


def compressed(image, *cards, **options):
    """Return an HCOMPRESS_1 file, and what astropy reads of it, before `cards` are put in."""
    image_hdu = fits.CompImageHDU(
        image, compression_type="HCOMPRESS_1", tile_shape=(20, 40), quantize_level=16, **options
    )
    out = io.BytesIO()
    image_hdu.writeto(out)
    content = out.getvalue()
    expected = by_astropy(content, image.dtype.str, 1)
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        header = hdus[1].header
        before = header.tostring()
        header.update(cards)
    return content.replace(before.encode(), header.tostring().encode()), expected


@pytest.mark.parametrize("scale", [(), (("BSCALE", 2.5), ("BZERO", 100.0))])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("dither", [-1, 1, 2])
def test_blank_pixels_of_floats_are_missing(tmp_path, dither, kind, scale):
    pytest.importorskip("rustfits")
    image = galaxy(40).astype(kind)
    image[5:9] = np.nan
    image[12, ::3] = 0
    image[20:] = 3.5  # of one value, so not quantized
    image[21, 5] = -0.0
    content, expected = compressed(image, *scale, quantize_method=dither)
    if scale:
        expected = expected * image.dtype.type(2.5) + image.dtype.type(100)
    assert np.isnan(expected).sum() == 160
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    for source in (path, content, gzip.compress(content), bz2.compress(content)):
        np.testing.assert_array_equal(read(source, dtype="float64").data, expected)


@pytest.mark.parametrize("shape", [(1, 1, 40, 40), (3, 40, 40), (2, 3, 40, 40)])
def test_cubes_are_planes_one_on_the_other(shape):
    pytest.importorskip("rustfits")
    image = np.stack([galaxy(40) * k for k in range(1, np.prod(shape) // 1600 + 1)]).reshape(shape)
    image[..., 5:9, :] = np.nan
    tile = {"tile_shape": (1,) * (len(shape) - 2) + (10, 40), "compression_type": "HCOMPRESS_1"}
    out = io.BytesIO()
    fits.CompImageHDU(image.astype("f4"), quantize_level=16, quantize_method=1, **tile).writeto(out)
    expected = fits.getdata(io.BytesIO(out.getvalue()), 1).reshape(-1, 40, 40)
    found = read(out.getvalue()).data
    np.testing.assert_array_equal(found.reshape(-1, 40, 40), expected)
    tile["tile_shape"] = (*tile["tile_shape"][:-2], 16, 40)
    fits.CompImageHDU((9 * image[..., 9:31, :]).astype("i2"), **tile).writeto(out := io.BytesIO())
    if np.prod(shape) > 1600:  # the planes' last tiles are lower than the others
        with pytest.raises(Unsupported, match="funpack it"):
            read(out.getvalue())


def test_integers_are_scaled_and_blank(tmp_path):
    pytest.importorskip("rustfits")
    image = (100 * galaxy(40)).astype("i2")
    image[3, 4] = -99
    cards = [("BLANK", -99), ("BSCALE", 0.5), ("BZERO", 10.0)]
    content, _ = compressed(image, *cards)
    expected = (image * np.float32(0.5) + np.float32(10)).astype("f4")
    expected[3, 4] = np.nan
    np.testing.assert_array_equal(read(content).data, expected)
    content, _ = compressed(image, *cards, ("ZBLANK", 7))  # which counts where both stand
    assert np.array_equal(np.isnan(read(content).data), image == 7)


@pytest.mark.parametrize("own", [False, True], ids=["one ZBLANK", "a ZBLANK for each tile"])
def test_tiles_may_have_a_blank_of_their_own(own):
    pytest.importorskip("rustfits")
    image = galaxy(40)
    image[5:9] = image[30, 7] = np.nan
    content, expected = compressed(image)
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        cards, data = hdus[1].header, hdus[1].data
        tiles = [bytes(tile) for tile in data["COMPRESSED_DATA"]]
        columns = [("COMPRESSED_DATA", "B", tiles)]
        columns += [(name, "D", list(data[name])) for name in ("ZSCALE", "ZZERO")]
        blank = cards["ZBLANK"]
    head = image_cards("HCOMPRESS_1", -32, (40, 40), (20, 40))
    head += [(key, cards[key]) for key in cards if key.startswith(("ZNAME", "ZVAL", "ZQUANT"))]
    if own:
        columns.append(("ZBLANK", "J", [blank, blank]))
    else:
        head.append(("ZBLANK", blank))
    np.testing.assert_array_equal(read(tile_table(head, columns)).data, expected)
    if own:  # of the tile below; the numbers that stand for none above are small ones
        columns[-1] = ("ZBLANK", "J", [blank, 12345])
        found = read(tile_table(head, columns)).data
        np.testing.assert_array_equal(found[:20], expected[:20])
        assert np.isfinite(found[20:]).all()


def test_what_rustfits_would_read_wrongly_is_refused():
    pytest.importorskip("rustfits")
    head = image_cards("HCOMPRESS_1", 16, (4, 4), (4, 4))
    columns = [("COMPRESSED_DATA", "B", [b"abc"]), ("ZBLANK", "J", [-5])]
    with pytest.raises(Unsupported, match=r"ZBLANK for each tile .* funpack it first"):
        read(tile_table(head, columns))
    content, _ = compressed(galaxy(40), ("BSCALE", "one"))
    with pytest.raises(ReadError, match="BSCALE is not a number"):
        read(content)
    content, _ = compressed(galaxy(40), ("PCOUNT", 9))
    with pytest.raises(ReadError, match="tile 1 points outside the heap of 9 bytes"):
        read(content)
