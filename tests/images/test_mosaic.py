"""Raw frames of one-shot-colour cameras: every pattern, every orientation, every way in."""

import bz2
import gzip

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.frames_made import TAN, light
from helpers.made import write_fits
from helpers.stand_in import pure

from galedge import read
from galedge.answers.measure import Measurer
from galedge.answers.structure import structure
from galedge.errors import Unsupported
from galedge.frames.detect import detect
from galedge.frames.frame import Frame
from galedge.images.arrays import image_with
from galedge.images.image import cutout
from galedge.images.mosaic import apart, pattern_of
from galedge.images.planes import Wanted, image_of
from galedge.images.prepare import prepare

TAN = {**TAN, "CD1_2": 0.0, "CD2_1": 0.0}
GAINS = {"R": 0.55, "G": 1.0, "B": 0.3}
SKIES = {"R": 900, "G": 1700, "B": 800}


def rows_of(pattern, height, width, up=False, offset=(0, 0)):
    """Return each stored pixel's colour, with the sensor's upper row first or last."""
    colours = np.array(list(pattern)).reshape(2, 2)
    y, x = np.indices((height, width))
    y = height - 1 - y if up else y
    return colours[(y + offset[1]) % 2, (x + offset[0]) % 2]


def scene(height=201, width=160, x=83.0, y=92.0):
    return light((height, width), x, y, 12)


def raw(pattern, seed=1, scene=None, **how):
    """Return a mosaic of integers, and the colour of each of its pixels."""
    scene = globals()["scene"]() if scene is None else scene
    colours = rows_of(pattern, *scene.shape, **how)
    level = np.vectorize(SKIES.get)(colours) + scene * np.vectorize(GAINS.get)(colours)
    noise = np.random.default_rng(seed).normal(0, 5, scene.shape)
    return (level + noise).round().astype(np.int16), colours


def right(data, colours):
    """Return the planes of a mosaic, pixel by pixel."""
    height, width = (n // 2 for n in data.shape)
    planes = np.zeros((3, height, width), np.float32)
    for j in range(height):
        for i in range(width):
            square = (slice(2 * j, 2 * j + 2), slice(2 * i, 2 * i + 2))
            for band, colour in enumerate("RGB"):
                planes[band, j, i] = data[square][colours[square] == colour].mean()
    return planes


def written(path, data, **cards):
    extra = list(cards.items())
    path.write_bytes(primary(data, 8 if data.dtype == np.uint8 else 16, *extra))
    return path


@pytest.mark.parametrize("height", [200, 201])
@pytest.mark.parametrize("order", [None, "TOP-DOWN", "BOTTOM-UP"])
@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_patterns_are_of_the_rows_as_they_are_seen(tmp_path, pattern, order, height):
    data, colours = raw(pattern, scene=scene(height), up=order == "BOTTOM-UP")
    cards = {"BAYERPAT": pattern, **({"ROWORDER": order} if order else {})}
    path = written(tmp_path / "raw.fits", data, **cards)
    image = image_of(str(path), Wanted())
    assert np.array_equal(image.data, right(data, colours))
    assert image.order == (0, 1, 2)
    # What is read is what is stored.
    assert np.array_equal(read(path).data, data)


@pytest.mark.parametrize("offset", [(0, 1), (1, 0), (1, 1), (3, -1)])
@pytest.mark.parametrize("names", [("XBAYROFF", "YBAYROFF"), ("BAYOFFX", "BAYOFFY")])
def test_patterns_may_begin_elsewhere(tmp_path, offset, names):
    data, colours = raw("GRBG", offset=offset)
    cards = dict(zip(names, offset, strict=True))
    path = written(tmp_path / "raw.fits", data, COLORTYP="GRBG", **cards)
    assert np.array_equal(image_of(str(path), Wanted()).data, right(data, colours))
    # Of a part, the pattern is still that of the whole.
    for window in ((0, 0, 60, 70), (7, 4, 90, 100), (4, 7, 91, 101), (5, 5, 80, 81)):
        x, y, width, height = window
        inside = np.s_[y : y + height, x : x + width]
        part = apart(read(path, window=window))
        assert np.array_equal(part.data, right(data[inside], colours[inside]))


def test_missing_pixels(tmp_path):
    data, _ = raw("RGGB")
    image = image_with(data.astype(np.float32), {"BAYERPAT": "RGGB"})
    image.data[10, 11] = image.data[20, 21] = image.data[21, 20] = image.data[30, 30] = np.nan
    planes = apart(image).data
    assert planes[1, 5, 5] == data[11, 10]
    assert np.isnan(planes[:, 10, 10]).tolist() == [False, True, False]
    assert np.isnan(planes[:, 15, 15]).tolist() == [True, False, False]
    assert np.isnan(planes).sum() == 2


@pytest.fixture
def frame(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    data, colours = raw("GRBG")
    path = written(tmp_path / "raw.fits", data, BAYERPAT="GRBG", XBAYROFF=0, YBAYROFF=0, **TAN)
    content = path.read_bytes()
    (tmp_path / "raw.fits.gz").write_bytes(gzip.compress(content))
    (tmp_path / "raw.fits.bz2").write_bytes(bz2.compress(content))
    cube = written(tmp_path / "cube.fits", data[np.newaxis], BAYERPAT="GRBG", **TAN)
    header = fits.open(path)[0].header
    packed = fits.CompImageHDU(data, header, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / "raw.fits.fz")
    sources = [
        *(str(tmp_path / f"raw.fits{end}") for end in ("", ".gz", ".bz2", ".fz")),
        str(cube),
        content,
        read(path),
        cutout(path, 79.5, 100, (160, 201)),
        fits.open(path)[0],
        image_with(data, header),
    ]
    return path, sources, right(data, colours)


def test_every_way_in(frame):
    path, sources, planes = frame
    expected = prepare([planes])
    for verify in (False, True):
        batch = prepare(sources, verify=verify)
        for pixels, facts in zip(batch.pixels, batch.facts, strict=True):
            assert facts.error is None
            assert np.array_equal(pixels, expected.pixels[0])
            (half,) = expected.facts
            assert (facts.x, facts.y) == (2 * half.x + 0.5, 2 * half.y + 0.5)
            assert abs(facts.x - 83) < 1.5  # the frame is moved into the image
            assert abs(facts.y - 92) < 0.5
            assert (facts.side, facts.noise) == (2 * half.side, half.noise)
            assert "band_order_unknown" not in facts.flags
            ra, dec = read(path).wcs.pixel_to_sky(facts.x, facts.y)
            assert (facts.ra, facts.dec) == (ra, dec)


def test_a_plane_is_taken_as_it_is(frame):
    path, sources, _ = frame
    expected = prepare([read(path).data]).pixels[0]
    batch = prepare(sources, plane=0)
    assert [facts.error for facts in batch.facts] == [None] * len(sources)
    assert all(np.array_equal(pixels, expected) for pixels in batch.pixels)


def test_a_plane_that_was_chosen_stays_chosen(frame):
    """What was read by a plane is not split when it is classified or measured."""
    chosen = read(str(frame[0]), plane=0)
    for wanted in (Wanted(), Wanted(plane=0)):
        np.testing.assert_array_equal(image_of(chosen, wanted).data[0], chosen.data)
    part = cutout(str(frame[0]), 80, 90, 64, plane=0)
    assert part.plane == 0
    assert image_of(part, Wanted()).data.shape == (1, 64, 64)
    assert len(image_of(read(str(frame[0])), Wanted()).data) == 3
    (one,) = prepare([chosen]).facts
    (other,) = prepare([str(frame[0])], plane=0).facts
    assert (one.x, one.y, one.noise) == (other.x, other.y, other.noise)


def test_structure_is_in_pixels_of_the_file(frame):
    pytest.importorskip("numba")
    path, _, planes = frame
    half = structure(planes)
    for found in (structure(read(path)), Measurer(workers=1).measure(str(path)).structure):
        assert (found.x, found.y) == (2 * half.x + 0.5, 2 * half.y + 0.5)
        assert (found.r_half, found.r_petrosian) == (2 * half.r_half, 2 * half.r_petrosian)
        assert (found.gini, found.noise) == (half.gini, half.noise)
    grey = Measurer(workers=1, plane=0).measure(str(path)).structure
    assert grey.noise > 5 * half.noise


def test_frames_are_refused(frame):
    pytest.importorskip("sep")
    path, *_ = frame
    with pytest.raises(Unsupported, match=r"raw\.fits: is a raw frame of a colour .*GRBG.*plane 0"):
        Frame(str(path))
    assert Frame(str(path), plane=0).planes == 1
    assert len(detect(Frame(str(path), plane=0))) >= 0


@pytest.mark.parametrize("tiled", [False, True])
def test_an_extension_leaves_its_pattern_to_the_primary_header(tmp_path, tiled):
    fits = pytest.importorskip("astropy.io.fits")
    data, colours = raw("GBRG", up=True, offset=(1, 0))
    told = {"BAYERPAT": "GBRG", "XBAYROFF": 1, "YBAYROFF": 0, "ROWORDER": "BOTTOM-UP"}
    path = tmp_path / "raw.fits"
    extension = fits.CompImageHDU(data) if tiled else fits.ImageHDU(data)
    first = fits.PrimaryHDU(header=fits.Header(told))
    fits.HDUList([first, extension]).writeto(path)
    planes = right(data, colours)
    with fits.open(path) as hdus:
        for source in (str(path), path.read_bytes(), hdus):
            assert np.array_equal(image_of(source, Wanted()).data, planes)
        assert np.array_equal(prepare([str(path)]).pixels, prepare([planes]).pixels)
    extension.header["INHERIT"] = False
    fits.HDUList([first, extension]).writeto(path, overwrite=True)
    assert image_of(str(path), Wanted()).data.shape == (1, *data.shape)


def test_makers_of_cameras_say_half_of_it(tmp_path):
    data, colours = raw("GBRG")
    path = written(tmp_path / "raw.fits", data, BAYERPAT="gb")
    assert np.array_equal(image_of(str(path), Wanted()).data, right(data, colours))


@pytest.mark.parametrize("pattern", ["CMYG", "RGGBRGBGGRGGRGGRRGBG", "TRUE"])
def test_other_patterns_are_refused(tmp_path, pattern):
    data, _ = raw("RGGB")
    path = written(tmp_path / "raw.fits", data, BAYERPAT=pattern)
    (facts,) = prepare([str(path)]).facts
    assert f"with the pattern {pattern}" in facts.error
    assert "raw.fits" not in facts.error
    assert Measurer(workers=1).measure(str(path)).error == facts.error
    assert prepare([str(path)], plane=0).facts[0].error is None


@pytest.mark.parametrize(
    "cards",
    [
        *({"BAYERPAT": said} for said in ("NONE", "", "Monochrome", "N/A", 0, False)),
        *({"COLORTYP": said} for said in ("RGB", "Mono", 0)),
    ],
)
def test_no_pattern(tmp_path, cards):
    path = written(tmp_path / "grey.fits", scene().astype(np.int16), **cards)
    assert pattern_of(read(path).header.text, 201) is None
    expected = prepare([read(path).data])
    assert np.array_equal(prepare([str(path)]).pixels, expected.pixels)


def test_bytes_of_a_camera_are_linear(tmp_path):
    data, colours = raw("RGGB")
    data = (data / 16).astype(np.uint8)
    path = written(tmp_path / "raw.fits", data, BAYERPAT="RGGB")
    expected = prepare([right(data, colours)]).pixels
    assert np.array_equal(prepare([str(path)]).pixels, expected)
    assert np.array_equal(prepare([read(path)]).pixels, expected)


def test_a_colour_stack_with_a_pattern_left_behind_is_none(tmp_path):
    planes = np.stack([scene() * gain + 100 for gain in GAINS.values()]).astype(np.float32)
    write_fits(tmp_path / "stack.fits", planes, BAYERPAT="RGGB")
    batch = prepare([str(tmp_path / "stack.fits")])
    assert batch.facts[0].flags == prepare([planes]).facts[0].flags
    assert np.array_equal(batch.pixels, prepare([planes]).pixels)


def test_smaller_than_a_pattern(tmp_path):
    path = written(tmp_path / "raw.fits", np.ones((1, 40), np.int16), BAYERPAT="RGGB")
    assert "smaller than the pattern" in prepare([str(path)]).facts[0].error


def test_the_stand_in_leaves_them_too(frame):
    path, _, planes = frame
    code = (
        "import numpy as np; from galedge.images.prepare import prepare\n"
        "batch = prepare(sys.argv[2:]); np.save(sys.argv[1], batch.pixels)\n"
        "print([facts.error for facts in batch.facts])"
    )
    out = path.with_name("out.npy")
    done = pure(code, out, path, path.with_name("raw.fits.gz"))
    assert done.stdout.strip() == "[None, None]", done.stderr
    theirs = np.load(out).astype(int)
    assert np.abs(theirs - prepare([planes]).pixels.astype(int)).max() <= 1
