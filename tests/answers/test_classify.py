"""The classifier: shapes, order, bounds, threads."""

import itertools
import pickle
import resource
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.fits_files import primary
from helpers.made import (
    CLASSES,
    HEADS,
    galaxy,
    heads_of,
    names_of,
    tiny_network,
    write_bundle,
    write_fits,
)
from PIL import Image

from galedge import Result
from galedge.answers.classifier import Classifier
from galedge.images import chunks
from galedge.images.image import read
from galedge.images.inputs import Rejected


@pytest.fixture(scope="module")
def classifier(bundle):
    return Classifier(bundle, workers=2, batch=4)


def test_a_file(classifier, night):
    path = night / "g0.fits"
    result = classifier.classify(path)
    assert result.ok
    assert result.status == "ok"
    assert result.error is None
    assert result.path == str(path)
    assert result.label in CLASSES
    assert result.probability == max(result.probabilities.values())
    assert sum(result.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert -6 <= result.t_type <= 11
    assert result.model == "tiny"
    assert len(result.model_sha256) == len(result.recipe_sha256) == 64
    assert classifier.classify(str(path)) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_rows_have_the_promised_columns(classifier, night):
    good = classifier.classify(night / "g0.fits")
    bad = classifier.classify(night / "missing.fits")
    assert list(good.as_row()) == list(bad.as_row()) == names_of(HEADS)
    assert " ".join(names_of(heads_of(["E", "Irr"]))) == (
        "path hdu x y ra dec object date_obs label probability p_E p_Irr t_type t_type_error "
        "flags sky noise masked_fraction sharpness colour_red colour_blue tilt_x tilt_y "
        "status error model model_sha256 engine precision recipe_sha256 version"
    )


def test_features_follow_and_winding_is_as_shown(tmp_path):
    names = ["bar", "clockwise"]
    bundle = write_bundle(
        tmp_path / "m", {"fp32": tiny_network(features=2)}, heads={"features": {"names": names}}
    )
    classifier = Classifier(bundle)
    image = galaxy()
    write_fits(tmp_path / "g.fits", image)
    file = classifier.classify(tmp_path / "g.fits")
    # The same pixels in a file that says that its first row is the highest.
    write_fits(tmp_path / "down.fits", image, ROWORDER="TOP-DOWN")
    shown = classifier.classify(tmp_path / "down.fits")
    assert list(shown.as_row()) == names_of(heads_of(CLASSES, names))
    assert shown.as_row()["p_bar"] == shown.features["bar"] == file.features["bar"]
    assert 0.01 < file.features["clockwise"] < 0.99
    assert file.features["clockwise"] == pytest.approx(1 - shown.features["clockwise"])
    bad = classifier.classify(tmp_path / "missing.fits")
    assert list(bad.as_row()) == names_of(heads_of(CLASSES, names))
    assert bad.features == {"bar": None, "clockwise": None}


@pytest.fixture(scope="module")
def winding(tmp_path_factory):
    names = ["bar", "clockwise"]
    heads = {"features": {"names": names}}
    network = tiny_network(features=2)
    return Classifier(
        write_bundle(tmp_path_factory.mktemp("w") / "m", {"fp32": network}, heads=heads), workers=1
    )


NORTH_UP = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 9.0, "CDELT1": -1e-4}
NORTH_UP |= {"CRVAL2": 2.0, "CDELT2": 1e-4}


@pytest.mark.parametrize(
    ("cards", "array_knows", "expected"),
    [
        ({}, True, (True, "file")),
        (NORTH_UP, True, (True, "sky")),
        (NORTH_UP | {"CDELT1": 1e-4}, False, (True, "sky")),
        ({"ROWORDER": "TOP-DOWN"}, False, (False, "file")),
        (NORTH_UP | {"ROWORDER": "TOP-DOWN"}, True, (False, "sky")),
    ],
)
@pytest.mark.parametrize("form", ["float", "byte", "rgb"])
def test_a_file_an_image_and_its_array_agree(winding, tmp_path, cards, array_knows, expected, form):
    pixels = galaxy()
    if form != "float":
        pixels = pixels.clip(0, 255).astype(np.uint8)
    if form == "rgb":
        pixels = np.stack([pixels, pixels // 2, pixels // 3])
    content = primary(pixels, -32 if form == "float" else 8, *cards.items())
    (tmp_path / "g.fits").write_bytes(content)
    image = read(tmp_path / "g.fits")
    assert image.data.dtype == pixels.dtype
    file, again, array = (winding.classify(s) for s in (tmp_path / "g.fits", image, image.data))
    assert (file.upwards, file.handedness) == expected == (again.upwards, again.handedness)
    assert array.handedness == "assumed"
    assert again.probabilities == file.probabilities == array.probabilities
    assert (again.x, again.y, again.sky, again.flags) == (file.x, file.y, file.sky, file.flags)
    assert again.features == file.features
    # Bytes are pictures, their first row on top; that of floats is the lowest.
    agrees = array_knows if form == "float" else not array_knows
    told = array.features["clockwise"]
    assert told == pytest.approx(
        file.features["clockwise"] if agrees else 1 - file.features["clockwise"]
    )


def test_a_picture_an_image_and_its_array_agree(winding, tmp_path):
    Image.fromarray(galaxy().clip(0, 255).astype(np.uint8)).save(tmp_path / "g.png")
    file = winding.classify(tmp_path / "g.png")
    image = read(tmp_path / "g.png")
    assert image.data.dtype == np.uint8
    for source in (image, image.data, Image.open(tmp_path / "g.png")):
        other = winding.classify(source)
        assert other.features == file.features
        assert other.probabilities == file.probabilities
        assert not other.upwards
    assert (file.upwards, file.handedness) == (False, "file")


def test_a_failure_is_a_result(classifier, night):
    (night / "empty.fits").write_bytes(b"")
    path = str(night / "empty.fits")
    result = classifier.classify(path)
    assert not result.ok
    assert result.status == "error"
    assert result.path == path
    assert path not in result.error
    assert result.label is None
    assert set(result.probabilities.values()) == {None}
    assert {type(value) for value in result.as_row().values()} <= {str, type(None)}


def test_shapes(classifier):
    image = galaxy()
    one = classifier.classify(image)
    assert isinstance(one, Result)
    assert one.ok
    assert isinstance(classifier.classify(np.stack([image] * 3)), Result)
    assert isinstance(classifier.classify(np.stack([image] * 3, axis=2)), Result)
    assert classifier.classify(image[..., None]).probabilities == one.probabilities
    for several in (
        np.stack([image] * 5),
        np.stack([np.stack([image] * 3)] * 5),
        np.stack([image] * 5)[:, None],
        np.stack([image] * 5)[..., None],
        [image] * 5,
    ):
        results = classifier.classify(several)
        assert [result.label for result in results] == [one.label] * 5
    assert classifier.classify([]) == []
    assert classifier.classify(np.empty((0, 8, 8))) == []


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_colours_with_opacity_are_one_picture(classifier, kind):
    image = galaxy()
    bands = np.dstack([image, 0.7 * image, 0.5 * image]).clip(0, 255).astype(kind)
    opacity = np.random.default_rng(0).integers(0, 200, (*image.shape, 1)).astype(kind)
    picture = np.concatenate([bands, opacity], axis=2)
    one = classifier.classify(bands)
    assert one.ok
    for same in (picture, np.moveaxis(bands, -1, 0), [picture], picture[np.newaxis]):
        answer = classifier.classify(same)
        (answer,) = answer if isinstance(answer, list) else [answer]
        assert (answer.probability, answer.flags) == (one.probability, one.flags)
    assert len(classifier.classify(np.stack([picture] * 5))) == 5
    if kind == np.uint8:
        assert classifier.classify(Image.fromarray(picture)).probability == one.probability
    # Four planes first are four images.
    assert len(classifier.classify(np.moveaxis(picture, -1, 0))) == 4


@pytest.mark.parametrize("shape", [(8,), (2, 2, 8, 8), (1, 1, 1, 8, 8), ()])
def test_other_shapes_are_refused(classifier, shape):
    with pytest.raises(ValueError, match="bands come before rows"):
        classifier.classify(np.zeros(shape))


def test_bytes_are_a_file(classifier, night):
    path = night / "g0.fits"
    assert classifier.classify(path.read_bytes()).label == classifier.classify(path).label


def test_order_is_kept(classifier, tmp_path):
    sources = []
    for i in range(23):
        write_fits(tmp_path / f"{i}.fits", galaxy(side=32 + 8 * (i % 7), seed=i))
        sources += [str(tmp_path / f"{i}.fits"), Rejected(f"no{i}", "none")]
    results = list(classifier.stream(iter(sources)))
    assert [result.path for result in results] == [
        getattr(source, "path", source) for source in sources
    ]
    assert [result.error for result in results] == [None, "none"] * 23
    assert [classifier.classify(path).label for path in sources[::2]] == [
        result.label for result in results[::2]
    ]


def test_an_endless_source_is_read_only_as_needed(classifier):
    taken = itertools.count()
    image = galaxy()
    sources = (image for _ in taken)
    stream = classifier.stream(sources)
    assert all(result.ok for result in itertools.islice(stream, 100))
    stream.close()
    # In flight: two chunks of four for each of the two workers.
    assert next(taken) <= 100 + 5 * 4


def test_an_error_of_the_source_is_the_callers(classifier):
    def broken():
        yield galaxy()
        raise RuntimeError("camera lost")

    with pytest.raises(RuntimeError, match="camera lost"):
        list(classifier.stream(broken()))


def test_threads_share_a_classifier(classifier):
    images = [galaxy(seed=i) for i in range(20)]
    expected = [classifier.classify(image).probabilities for image in images]
    found = {}

    def work(number):
        found[number] = [result.probabilities for result in classifier.classify(images)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The network's sums may be taken in another order for another batch size.
    for results in found.values():
        for result, wanted in zip(results, expected, strict=True):
            assert result == pytest.approx(wanted, abs=1e-5)
    assert len(found) == 6


def test_a_network_that_answers_nan(classifier, monkeypatch):
    def decode(outputs):
        prediction = type(classifier.model).decode(classifier.model, outputs)
        prediction["t_type"][0] = np.nan
        return prediction

    monkeypatch.setattr(classifier.model, "decode", decode)
    result = classifier.classify(galaxy())
    assert result.error == "the network gave no finite answer"


def test_frame_replaces_the_recipes_own(bundle, classifier):
    framed = Classifier(bundle, frame=20)
    assert framed.recipe.framing == 20
    assert framed.classify(galaxy()).recipe_sha256 != classifier.classify(galaxy()).recipe_sha256


@pytest.mark.parametrize("options", [{"workers": 0}, {"batch": 0}, {"frame": "square"}])
def test_options_out_of_range(bundle, options):
    with pytest.raises(ValueError, match="must be"):
        Classifier(bundle, **options)


class Endless:
    """Galaxies without end, and how many of them were taken."""

    def __init__(self, image):
        self.image = image
        self.taken = 0

    def __iter__(self):
        while True:
            self.taken += 1
            yield self.image


IN_FLIGHT = 2 * 2 * 4  # two chunks of four for each of two workers


def test_a_slow_consumer_holds_the_source_back(classifier):
    sources = Endless(galaxy())
    stream = classifier.stream(sources)
    for used in range(1, 30):
        assert next(stream).ok
        # However long the consumer takes now, nothing is read behind its back.
        assert sources.taken <= used + IN_FLIGHT + 4
    stream.close()


def test_a_slow_engine_holds_the_source_back(classifier, monkeypatch):
    go = threading.Event()
    engine = classifier.model._engine

    class Slow:
        running = 0

        def run(self, pixels):
            Slow.running += len(pixels)
            assert go.wait(30)
            return engine.run(pixels)

    monkeypatch.setattr(classifier.model, "_engine", Slow())
    sources = Endless(galaxy())
    results = []
    taker = threading.Thread(
        target=lambda: results.extend(itertools.islice(classifier.stream(sources), 40))
    )
    taker.start()
    while Slow.running < 2 * 4:  # both workers are at the engine
        assert taker.is_alive()
        time.sleep(0.001)
    taker.join(0.2)
    assert sources.taken <= IN_FLIGHT + 4
    assert not results
    go.set()
    taker.join()
    assert len(results) == 40
    assert all(result.ok for result in results)


def test_large_sources_are_taken_by_the_few(classifier, monkeypatch):
    image = galaxy()
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 2 * image.nbytes)
    found = list(chunks.chunks([image] * 5 + [b"x" * image.nbytes] * 2 + ["name"] * 9, 4))
    assert [len(chunk) for chunk in found] == [2, 2, 2, 4, 4, 2]


def test_buffers_are_taken_again(classifier):
    found = {}

    def work(name):
        first, second = classifier._buffer(4), classifier._buffer(3)
        found[name] = first.ctypes.data, second.ctypes.data, len(second)

    for name in "ab":
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
    assert found["a"][0] == found["a"][1]
    assert found["a"][2] == 3


@pytest.mark.slow
def test_memory_stays_flat(classifier):
    images = [galaxy(seed=i) for i in range(16)]
    sources = itertools.islice(itertools.cycle(images), 50_000)
    resident = []
    for count, result in enumerate(classifier.stream(sources)):
        assert result.ok
        if count % 1_000 == 999:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.append(pages * resource.getpagesize() / 2**20)
    assert len(resident) == 50
    assert max(resident) - resident[0] < 8  # MiB, after the first thousand
