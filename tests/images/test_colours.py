"""Which plane of a cube is red: what headers say, by every way in."""

import bz2
import gzip
import itertools

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.frames_made import TAN, light
from helpers.made import write_fits
from helpers.stand_in import pure

import galedge
from galedge import Classifier
from galedge.errors import Unsupported
from galedge.frames.field import classify_sources
from galedge.frames.frame import Frame
from galedge.frames.sources import Sources
from galedge.images.arrays import image_with
from galedge.images.colours import stated_order
from galedge.images.header import Header
from galedge.images.image import cutout, read
from galedge.images.prepare import prepare
from galedge.images.wavelengths import order_named, wavelength

TAN = {**TAN, "CD1_2": 0.0, "CD2_1": 0.0}
UNKNOWN = "band_order_unknown"
SKY = {"g": 0.3, "r": 1.0, "z": 2.0}


def planes(order="grz", side=100):
    """Return a red galaxy in bands that are told apart by their light."""
    noise = np.random.default_rng(1).normal(0, 3, (3, side, side))
    found = {
        band: light((side, side), 48, 51, 7) * SKY[band] + noise["grz".index(band)]
        for band in "grz"
    }
    return np.stack([found[band] for band in order]).astype(np.float32)


RIGHT = prepare([planes("zrg")]).pixels[0]


def header(**cards):
    return stated_order(b"".join(f"{k:<8}= {v!r:>20}".ljust(80).encode() for k, v in cards.items()))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        *[
            ("".join(p), tuple(p.index(band) for band in "zrg"))
            for p in itertools.permutations("grz")
        ],
        ("g,r,z", (2, 1, 0)),
        ("g r z", (2, 1, 0)),
        ("['g', 'i', 'y']", (2, 1, 0)),
        ("RGB", (0, 1, 2)),
        ("BGR", (2, 1, 0)),
        ("bgr", (2, 1, 0)),
        ("BVR", (2, 1, 0)),
        ("VRI", (2, 1, 0)),
        ("Ks,H,J", (0, 1, 2)),
        ("F435W,F606W,F814W", (2, 1, 0)),
        ("F606W/F814W/F160W", (2, 1, 0)),
        ("F277W F090W F444W", (2, 0, 1)),
        ("HSC-G,HSC-R2,HSC-I", (2, 1, 0)),
        ("DES-g DES-r DES-y", (2, 1, 0)),
        ("red-green-blue", (0, 1, 2)),
        ("Ha,OIII,SII", (2, 0, 1)),
        ("J129,H158,F184", (2, 1, 0)),
        ("gri", (2, 1, 0)),
        *[(text, None) for text in ("", "grr", "gr", "griz", "L,R,G", "abc", "g,r", "clear")],
    ],
)
def test_an_order_is_named_by_bands(names, order):
    assert order_named(names) == order


@pytest.mark.parametrize(
    ("name", "nm"),
    [
        ("r DECam SDSS c0002 6415.0 1480.0", 623),
        ("r.MP9602", 623),
        ("g.00000", 477),
        ("F200W", 2000),
        ("F200LP", 200),
        ("F275W", 275),
        ("F277W", 2770),
        ("F098M", 980),
        ("F140LP", 140),
        ("F850LP", 850),
        ("F1500W", 15000),
        ("F2550W", 25500),
        ("H-alpha", 656),
        ("DECam Y", 1020),
        ("Clear", None),
        ("Luminance", None),
        ("", None),
    ],
)
def test_names_of_bands(name, nm):
    assert wavelength(name) == nm


@pytest.mark.parametrize(
    ("cards", "order"),
    [
        ({"BANDS": "grz"}, (2, 1, 0)),
        ({"BANDS": "grz", "BAND0": "g", "BAND1": "r", "BAND2": "z"}, (2, 1, 0)),
        ({"BAND0": "r", "BAND1": "z", "BAND2": "g"}, (1, 0, 2)),
        ({"FILTER1": "i", "FILTER2": "r", "FILTER3": "g"}, (0, 1, 2)),
        ({"FILTER01": "g", "FILTER02": "r", "FILTER03": "i"}, (2, 1, 0)),
        ({"FILTER": "g,r,i"}, (2, 1, 0)),
        ({"BAND_0": "g", "BAND_1": "r", "BAND_2": "z"}, (2, 1, 0)),
        ({"FILTNAM1": "F450W", "FILTNAM2": "F814W", "FILTNAM3": "F606W"}, (1, 2, 0)),
        ({"WAVELNG1": 477, "WAVELNG2": 623.5, "WAVELNG3": 905}, (2, 1, 0)),
        ({"WAVE1": 477, "WAVE2": 477, "WAVE3": 905}, None),
        ({"BANDS": 3, "FILT1": "F435W", "FILT2": "F606W", "FILT3": "F814W"}, (2, 1, 0)),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, None),
        ({"FILTER": "r"}, None),
        ({"BANDS": "griz"}, None),
        ({"BAND0": "g", "BAND1": "g", "BAND2": "z"}, None),
        ({"CTYPE3": "WAVE", "CDELT3": 1e-7}, (2, 1, 0)),
        ({"CTYPE3": "WAVE-LOG", "CDELT3": -1e-7}, (0, 1, 2)),
        ({"CTYPE3": "FREQ", "CDELT3": 1e14}, (0, 1, 2)),
        ({"CTYPE4": "FREQ", "CD4_4": -1e14}, (2, 1, 0)),
        ({"CTYPE3": "WAVE"}, None),
        ({"CTYPE3": "STOKES", "CDELT3": 1.0}, None),
        ({"CTYPE3": "RGB"}, (0, 1, 2)),
        ({"COLORSPC": "RGB"}, (0, 1, 2)),
        ({"COLORTYP": "RGB"}, (0, 1, 2)),
        ({"BAYERPAT": "GRBG"}, (0, 1, 2)),
        ({"PROGRAM": "Siril 1.2.3"}, (0, 1, 2)),
        ({"PROGRAM": "PixInsight 1.8.9"}, (0, 1, 2)),
        ({"PROGRAM": "Siril 1.2.3", "BANDS": "grz"}, (2, 1, 0)),
        ({"SWCREATE": "N.I.N.A. 3.1.2"}, (0, 1, 2)),
        ({"CREATOR": "DWARF3"}, (0, 1, 2)),
        ({"PROGRAM": "Dwarf galaxies at maximal distance"}, None),
        ({"OBJECT": "RGB", "ORIGIN": "NOAO"}, None),
        ({}, None),
    ],
)
def test_what_headers_say(cards, order):
    assert header(**cards) == order


def told(*sources, **options):
    batch = prepare(sources, **options)
    assert [facts.error for facts in batch.facts] == [None] * len(batch.facts)
    return batch.pixels, [UNKNOWN in facts.flags for facts in batch.facts]


def sources_of(folder, data, **cards):
    """Return one cube as files, bytes, and what others hold it in."""
    fits = pytest.importorskip("astropy.io.fits")
    from astropy.nddata import CCDData

    path = folder / "cube.fits"
    write_fits(path, data, **cards)
    content = path.read_bytes()
    (folder / "cube.fits.gz").write_bytes(gzip.compress(content))
    (folder / "cube.fits.bz2").write_bytes(bz2.compress(content))
    hdu = fits.open(path)[0]
    packed = fits.CompImageHDU(data, hdu.header, compression_type="GZIP_2", quantize_level=0)
    tiled = fits.HDUList([fits.PrimaryHDU(), packed])
    tiled.writeto(folder / "cube.fits.fz", output_verify="silentfix+ignore")
    return {
        "file": str(path),
        "gzip": str(folder / "cube.fits.gz"),
        "bzip2": str(folder / "cube.fits.bz2"),
        "tiles": str(folder / "cube.fits.fz"),
        "bytes": content,
        "read": read(path),
        "double": read(path, dtype="float64"),
        "cutout": cutout(path, 49.5, 49.5, 100),
        "hdu": hdu,
        "ccd": CCDData(data, unit="adu", meta=dict(hdu.header)),
        "header": image_with(data, hdu.header),
    }


@pytest.mark.parametrize("order", ["grz", "zrg", "rzg"])
def test_every_way_in_goes_by_the_header(tmp_path, order):
    cubes = sources_of(tmp_path, planes(order), BANDS=order, **TAN)
    for verify in (False, True):
        pixels, unknown = told(*cubes.values(), verify=verify)
        for name, each, flag in zip(cubes, pixels, unknown, strict=True):
            assert np.array_equal(each, RIGHT), name
            assert not flag, name
    # The pixels that are handed out are the file's own.
    assert np.array_equal(read(tmp_path / "cube.fits").data, planes(order))


def test_what_nobody_states_is_as_it_was_and_flagged(tmp_path):
    cubes = sources_of(tmp_path, planes("zrg"), **TAN)
    pixels, unknown = told(*cubes.values())
    for name, each, flag in zip(cubes, pixels, unknown, strict=True):
        assert np.array_equal(each, RIGHT), name
        assert flag, name
    # Arrays are red first by definition; a plane, or three in a tuple, have no order.
    assert told(planes("zrg"), tuple(planes("zrg")))[1] == [False, False]
    assert told(*cubes.values(), plane=1)[1] == [False] * len(cubes)


def test_an_extension_leaves_its_bands_to_the_primary_header(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    first = fits.PrimaryHDU(header=fits.Header({"BANDS": "grz"}))
    fits.HDUList([first, fits.ImageHDU(planes("grz"))]).writeto(tmp_path / "g.fits")
    with fits.open(tmp_path / "g.fits") as hdus:
        pixels, unknown = told(str(tmp_path / "g.fits"), hdus)
    assert not any(unknown)
    assert all(np.array_equal(each, RIGHT) for each in pixels)


def test_three_bands_that_say_another_order_are_refused(tmp_path):
    one_by_one = dict(zip("zrg", planes("zrg"), strict=True))
    for band, name in {"z": "z DECam c0004 9260.0", "r": "r.00000", "g": "HSC-G"}.items():
        write_fits(tmp_path / f"{band}.fits", one_by_one[band], FILTER=name)
    paths = {band: str(tmp_path / f"{band}.fits") for band in "zrg"}
    pixels, _ = told(tuple(paths[band] for band in "zrg"))
    assert np.array_equal(pixels[0], RIGHT)
    assert Frame([paths[band] for band in "zrg"]).order == (0, 1, 2)
    for wrong in ("grz", "rzg"):
        (facts,) = prepare([tuple(paths[band] for band in wrong)]).facts
        assert "FILTER says" in facts.error
        with pytest.raises(Unsupported, match=r"\.fits: FILTER says that the bands given as red"):
            Frame([paths[band] for band in wrong])
    write_fits(tmp_path / "g.fits", one_by_one["g"], FILTER="Clear")
    assert prepare([tuple(paths[band] for band in "grz")]).facts[0].error is None


def test_a_user_knows_better(tmp_path):
    cubes = sources_of(tmp_path, planes("grz"), BANDS="zrg", **TAN)
    pixels, unknown = told(*cubes.values(), planes("grz"), order="g,r,z")
    assert not any(unknown)
    assert all(np.array_equal(each, RIGHT) for each in pixels)
    with pytest.raises(ValueError, match="order must name the bands"):
        prepare([planes()], order="xyz")
    with pytest.raises(ValueError, match="order must name the bands"):
        Classifier(order="griz")


def test_pictures_have_their_own_order(tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    bright = np.clip(planes("zrg"), 0, 255).astype(np.uint8)
    PIL.fromarray(np.moveaxis(bright, 0, -1)).save(tmp_path / "g.png")
    (tmp_path / "g.fits").write_bytes(primary(bright, 8))
    opened = PIL.open(tmp_path / "g.png")
    right, unknown = told(bright, str(tmp_path / "g.png"), opened, str(tmp_path / "g.fits"))
    assert not any(unknown)
    assert all(np.array_equal(each, right[0]) for each in right)
    turned, _ = told(str(tmp_path / "g.png"), str(tmp_path / "g.fits"), bright, order="BGR")
    assert np.array_equal(turned[0], right[0])
    assert np.array_equal(turned[1], right[0][::-1])
    assert np.array_equal(turned[2], right[0][::-1])


def test_the_stand_in_answers_alike(tmp_path):
    write_fits(tmp_path / "stated.fits", planes("grz"), BANDS="grz")
    write_fits(tmp_path / "silent.fits", planes("grz"))
    paths = [str(tmp_path / name) for name in ("stated.fits", "silent.fits")]
    code = (
        "import numpy as np; from galedge.images.prepare import prepare\n"
        "found = [prepare(sys.argv[2:], order=order) for order in (None, 'grz')]\n"
        "np.save(sys.argv[1], np.stack([batch.pixels for batch in found]))\n"
        "print([facts.flags for batch in found for facts in batch.facts])"
    )
    done = pure(code, tmp_path / "out.npy", *paths)
    assert done.returncode == 0, done.stderr
    ours = [prepare(paths, order=order) for order in (None, "grz")]
    assert done.stdout.strip() == str([f.flags for batch in ours for f in batch.facts])
    theirs = np.load(tmp_path / "out.npy").astype(int)
    assert np.abs(theirs - np.stack([batch.pixels for batch in ours])).max() <= 1


def test_many_threads_ask_at_once(tmp_path):
    paths = []
    for i, order in enumerate(itertools.islice(itertools.cycle(["grz", "zrg", "rgz"]), 60)):
        paths.append(str(tmp_path / f"{i}.fits"))
        write_fits(paths[-1], planes(order), BANDS=order)
    pixels, unknown = told(*paths, threads=4)
    assert not any(unknown)
    assert all(np.array_equal(each, RIGHT) for each in pixels)


@pytest.mark.parametrize("form", ["stated", "named", "silent"])
def test_frames_and_lists(tmp_path, bundle, form):
    path = tmp_path / "frame.fits"
    order = "rgz"
    write_fits(path, planes(order), **{**TAN, **({"BANDS": order} if form == "stated" else {})})
    classifier = Classifier(bundle, workers=1, keep_pixels=True)
    classifier.order = order if form == "named" else None
    frame = Frame(str(path), order=classifier.order)
    assert frame.order == (None if form == "silent" else (2, 0, 1))
    assert frame.middle == (1 if form == "silent" else 0)
    places = Sources(*np.array([[48.0], [51.0], [100.0]]), np.ones(1, bool), [None])
    (placed,) = classify_sources(classifier, frame, places)
    assert (UNKNOWN in placed.result.flags) is (form == "silent")
    right = planes(order if form == "silent" else "zrg")
    image, _ = frame.cut(48, 51, 100)
    assert np.array_equal(
        image.data[list(frame.order or (0, 1, 2))][:, 10:-10, 10:-10],
        padded(right)[:, 10:-10, 10:-10],
    )
    expected = classifier.classify([image])[0]
    assert np.array_equal(placed.result.pixels, expected.pixels)


def padded(cube):
    """Return what a cutout of 100 pixels about (48, 51) holds, which begins at (-2, 1)."""
    return np.pad(cube, ((0, 0), (0, 1), (2, 0)), constant_values=np.nan)[:, 1:, :100]


def test_galedge_shows_it(tmp_path):
    write_fits(tmp_path / "g.fits", planes("grz"))
    image = read(tmp_path / "g.fits")
    assert image.order is None
    assert isinstance(image.header, Header)
    assert galedge.read(tmp_path / "g.fits", plane=1).order is None
