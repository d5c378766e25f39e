"""What is rendered beside galaxies is readable, varied, alike for one seed, and a pack."""

import numpy as np
import pytest

from galedge import prepare
from galedge.images.recipe import Recipe
from training.data.others import ARTEFACTS, artefact, star
from training.data.rendered import rendered
from training.words.fields import TaskError
from training.words.hubble import HUBBLE
from training.words.morphology import MORPHOLOGY


@pytest.mark.parametrize("render", [star, artefact])
def test_images_are_as_cameras_write_them(render):
    random = np.random.default_rng(5)
    images = [render(random) for _ in range(40)]
    assert {image.ndim for image in images} == {2, 3}
    assert {image.dtype.name for image in images} == {"float32", "uint16", "uint8"}
    assert all(np.isfinite(image).all() for image in images)
    assert all(fact.error is None for fact in prepare(images, Recipe.latest()).facts)
    np.testing.assert_array_equal(images[0], render(np.random.default_rng(5)))


@pytest.mark.parametrize("name", ARTEFACTS)
def test_every_artefact_has_a_shape_and_is_finite(name):
    flux = ARTEFACTS[name](48, np.random.default_rng(2))
    assert flux.shape == (48, 48, 3)
    assert np.isfinite(flux).all()


def test_stars_are_points_in_the_middle():
    random = np.random.default_rng(3)
    off = []
    for _ in range(60):
        image = np.atleast_3d(star(random).T).mean(2).T.astype(float)
        above = np.clip(image - np.quantile(image, 0.9), 0, None)
        y, x = np.mgrid[: len(image), : len(image)]
        off.append(np.hypot(*((above * a).sum() / above.sum() / len(image) - 0.5 for a in (x, y))))
    assert np.median(off) < 0.08


def test_they_are_a_pack_of_two_rows():
    pack = rendered(MORPHOLOGY)
    assert pack.file.tolist() == ["star", "artefact"]
    np.testing.assert_array_equal(pack.told["kind"], [[0, 1, 0], [0, 0, 1]])
    assert not np.isfinite(pack.told["hubble"]).any()
    first, second = (pack.pictures.draw(0, np.random.default_rng(i)) for i in (1, 2))
    assert first.shape != second.shape or (first != second).any()
    with pytest.raises(TaskError, match="kind"):
        rendered(HUBBLE)
