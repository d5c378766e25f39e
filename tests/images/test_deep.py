"""Pictures in colour of more than eight bits: linear, to the last bit, or refused."""

import io
import sys

import numpy as np
import pytest
from helpers.made import write_fits
from PIL import Image as Pillow

from galedge import Classifier, prepare, read
from galedge.errors import ReadError, TooLarge, Truncated, Unsupported
from galedge.frames.frame import Frame
from galedge.images.image import cutout, describe

RNG = np.random.default_rng(3)
COLOUR = RNG.integers(0, 1 << 16, (41, 53, 3), dtype=np.uint16)
OPACITY = np.full((41, 53, 1), 60000, np.uint16)


def png(samples):
    return pytest.importorskip("imagecodecs").png_encode(samples)


def tiff(samples, **options):
    stream = io.BytesIO()
    options = {"photometric": "rgb", "metadata": None} | options
    pytest.importorskip("tifffile").imwrite(stream, samples, **options)
    return stream.getvalue()


def same(image, colour=COLOUR):
    assert not image.is_picture
    assert image.data.dtype == np.float32
    assert image.upwards is False
    assert image.order == (0, 1, 2)
    return np.array_equal(image.data, np.moveaxis(colour, -1, 0).astype(np.float32))


@pytest.mark.parametrize("opacity", [False, True])
def test_png(opacity, tmp_path):
    content = png(np.dstack([COLOUR, OPACITY]) if opacity else COLOUR)
    assert same(read(content))
    (tmp_path / "g.png").write_bytes(content)
    assert same(read(tmp_path / "g.png"))
    assert read(content, dtype="float64").data.dtype == np.float64
    assert np.array_equal(read(content, plane=1).data, COLOUR[..., 1])
    part = read(content, window=(5, 7, 20, 10))
    assert np.array_equal(part.data, np.moveaxis(COLOUR, -1, 0)[:, 7:17, 5:25])
    assert cutout(content, 20, 20, 9).data.shape == (3, 9, 9)
    (facts,) = describe(content)
    assert (facts.kind, facts.shape, facts.dtype) == ("PNG", (3, 41, 53), "uint16")


def test_grey_with_opacity():
    image = read(png(np.dstack([COLOUR[..., :1], OPACITY])))
    assert not image.is_picture
    assert np.array_equal(image.data, COLOUR[..., 0])


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"planarconfig": "separate"},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
)
@pytest.mark.parametrize("opacity", [False, True])
def test_tiff(dtype, options, opacity):
    pytest.importorskip("imagecodecs")
    samples = np.dstack([COLOUR, OPACITY]) if opacity else COLOUR
    samples = (samples / 7 if dtype[0] == "f" else samples).astype(dtype)
    stored = samples
    if "planarconfig" in options:
        stored = np.moveaxis(samples, -1, 0).copy()
    content = tiff(stored, **options)
    assert same(read(content), samples[..., :3])
    (facts,) = describe(content)
    assert (facts.kind, facts.shape, facts.dtype) == ("TIFF", (3, 41, 53), dtype)


@pytest.mark.parametrize("dtype", ["i1", *(f"{k}{n}" for k in "uif" for n in (2, 4, 8))])
@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_grey_of_any_numbers(dtype, byteorder, options):
    pytest.importorskip("imagecodecs")
    grey = (COLOUR[..., 0] % 251 - 120.0).astype(dtype)  # of unsigned ones some are the highest
    options = options | {"photometric": "minisblack", "byteorder": byteorder}
    image = read(tiff(grey, **options))
    assert not image.is_picture
    assert np.array_equal(image.data, grey.astype(np.float32))
    white = read(tiff(grey, **options | {"photometric": "miniswhite"}))
    assert np.array_equal(white.data, -image.data)
    if dtype[0] != "i":
        opaque = np.dstack([grey, grey])
        options["extrasamples"] = ["unassalpha"]
        assert np.array_equal(read(tiff(opaque, **options)).data, image.data)


@pytest.mark.parametrize("turn", range(1, 9))
def test_tiffs_are_seen_as_their_orientation_says(turn):
    pytest.importorskip("imagecodecs")
    tags = {"extratags": [(274, "H", 1, turn, True)]}
    seen = read(tiff((COLOUR >> 8).astype(np.uint8), **tags))
    deep = tiff(COLOUR, **tags)
    assert np.array_equal(np.floor(read(deep).data / 256), seen.data)
    assert describe(deep)[0].shape == seen.data.shape


def test_previews_stand_for_no_picture():
    """As those that DNG, NEF and ARW begin with."""
    content = tiff((COLOUR >> 8).astype(np.uint8), subfiletype=1)
    with pytest.raises(Unsupported, match="holds a small preview first"):
        read(content)


def test_the_network_sees_what_it_sees_of_fits(tmp_path, bundle):
    y, x = np.indices((80, 80))
    light = 9000 * np.exp(-np.hypot(x - 40, y - 38) / 6)
    colour = np.stack([light * gain for gain in (1.0, 0.7, 0.4)]) + 1000
    colour = (colour + RNG.normal(0, 30, colour.shape)).astype(np.uint16)
    (tmp_path / "g.png").write_bytes(png(np.moveaxis(colour, 0, -1).copy()))
    (tmp_path / "g.tif").write_bytes(tiff(np.moveaxis(colour, 0, -1).copy()))
    write_fits(tmp_path / "g.fits", colour.astype(np.float32), BANDS="RGB")
    names = [str(tmp_path / name) for name in ("g.png", "g.tif", "g.fits")]
    batch = prepare([*names, colour])
    assert all(np.array_equal(pixels, batch.pixels[-1]) for pixels in batch.pixels)
    assert len({facts.flags for facts in batch.facts}) == 1
    classifier = Classifier(bundle, workers=1)
    assert len({classifier.classify(name).probability for name in names}) == 1
    frame = Frame(names[0])
    assert not frame.is_picture
    assert np.array_equal(frame.window(3, 4, 20, 10), colour[:, 4:14, 3:23])


@pytest.mark.parametrize("made", [png, tiff])
def test_without_the_package_they_are_refused(made, monkeypatch, tmp_path):
    (tmp_path / "g").write_bytes(made(COLOUR))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(Unsupported, match=r"g: is a .* of more than 8 bits.*galedge\[pictures\]"):
        read(tmp_path / "g")
    assert "galedge[pictures]" in prepare([str(tmp_path / "g")]).facts[0].error


@pytest.mark.parametrize("made", [png, tiff, lambda samples: tiff(samples.astype(np.float32))])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_damaged(made, share):
    content = made(COLOUR)
    with pytest.raises(ReadError):
        read(content[: int(len(content) * share)])
    with pytest.raises(TooLarge):
        read(content, max_pixels=40 * 53)


def test_a_wrong_sum_and_an_early_end():
    content = bytearray(png(COLOUR))
    with pytest.raises(Truncated, match="PNG data are damaged"):
        read(bytes(content[:-40]))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ReadError, match="PNG data are damaged"):
        read(bytes(content))


def test_pillow_has_cut_them(tmp_path):
    (tmp_path / "g.png").write_bytes(png(COLOUR))
    with Pillow.open(tmp_path / "g.png") as picture, pytest.raises(Unsupported, match="cuts to 8"):
        read(picture)


def test_cmyk_is_refused():
    content = tiff(np.dstack([COLOUR, OPACITY]), photometric="separated")
    with pytest.raises(ReadError):
        read(content)
