"""Eight views: all of them, once each, and averaged where they should be."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.made import CLASSES, galaxy, heads_of

from galedge.answers.classifier import Classifier
from galedge.network.model import Model
from galedge.network.views import DOUBT, others

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 3, 16, 16), np.uint8)


def test_the_seven_others_are_all_different():
    seen = [PIXELS, *(view for view, _ in others(PIXELS))]
    assert len({view.tobytes() for view in seen}) == 8
    assert sum(mirrored for _, mirrored in others(PIXELS)) == 4
    assert all(view.flags.c_contiguous and view.shape == PIXELS.shape for view in seen)
    # A picture without symmetry: its mirror images are no rotations of it.
    for view, mirrored in others(PIXELS):
        turned = [np.rot90(PIXELS, k, (2, 3)).tobytes() for k in range(4)]
        assert (np.ascontiguousarray(view).tobytes() in turned) is not mirrored


class Engine:
    """Answers by how bright the left half is, and the upper one."""

    def __init__(self):
        self.seen = []

    def run(self, pixels):
        self.seen.append(len(pixels))
        light = pixels.astype(np.float32).mean(axis=1) / 255
        left, top = light[:, :, :8].mean(axis=(1, 2)), light[:, :8].mean(axis=(1, 2))
        logits = np.zeros((len(pixels), len(CLASSES)), np.float32)
        logits[:, 0] = 40 * left
        logits[:, 1] = 40 * top
        logits[:, 2] = 20
        return {"hubble": logits, "t_type": np.stack([10 * left, 0 * left], axis=1)}


@pytest.fixture
def model(bundle):
    loaded = Model.load(bundle)
    return Model(loaded.card, Engine(), loaded.choice)


def test_one_view(model):
    model.predict(PIXELS)
    assert model._engine.seen == [6]


def test_eight_views_are_averaged(model):
    found = model.predict(PIXELS, 8)
    singles = [model.predict(view) for view in [PIXELS, *(view for view, _ in others(PIXELS))]]
    for name in ("hubble", "t_type"):
        mean = np.mean([single[name] for single in singles], axis=0)
        np.testing.assert_allclose(found[name], mean, rtol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    # Turning the picture changes nothing any more.
    turned = np.ascontiguousarray(np.rot90(PIXELS, 1, (2, 3)))
    np.testing.assert_allclose(model.predict(turned, 8)["t_type"], found["t_type"], rtol=1e-5)


def test_auto_looks_again_only_where_there_is_doubt(model):
    pixels = PIXELS.copy()
    pixels[2, :, :, :8] = 255  # surely the first class
    pixels[2, :, :, 8:] = 0
    first = model.predict(pixels)
    doubt = first.probabilities.max(axis=1) < DOUBT
    assert 0 < doubt.sum() < len(pixels)
    model._engine.seen.clear()
    found = model.predict(pixels, "auto")
    assert model._engine.seen == [6] + [doubt.sum()] * 7
    every = model.predict(pixels, 8)
    np.testing.assert_array_equal(found.probabilities[~doubt], first.probabilities[~doubt])
    np.testing.assert_allclose(found.probabilities[doubt], every.probabilities[doubt], rtol=1e-6)


def test_the_sense_of_winding_is_mirrored(bundle):
    loaded = Model.load(bundle)
    card = replace(loaded.card, heads=heads_of(CLASSES, ["bar", "clockwise"]))
    pixels = np.zeros((1, 3, 16, 16), np.uint8)
    pixels[0, :, 0, 1] = 9  # beside the corner, clockwise of it

    def place(one):
        return tuple(int(index[0]) for index in np.nonzero(one[0]))

    clockwise = {place(np.rot90(pixels[0], quarters, (1, 2))) for quarters in range(4)}

    class Winding:
        def run(self, batch):
            sense = [3 if place(one) in clockwise else -3 for one in batch]
            return {
                "hubble": np.zeros((len(batch), len(CLASSES)), np.float32),
                "t_type": np.zeros((len(batch), 2), np.float32),
                "features": np.stack([np.ones(len(batch)), sense], axis=1).astype(np.float32),
            }

    model = Model(card, Winding(), loaded.choice)
    once, averaged = model.predict(pixels), model.predict(pixels, 8)
    assert once["features"][0, 1] > 0.9
    np.testing.assert_allclose(averaged["features"], once["features"], rtol=1e-5)


def test_the_classifier_takes_views(bundle):
    once, averaged = (Classifier(bundle, views=views).classify(galaxy()) for views in (1, 8))
    # The tiny network sees only the mean colour, which turning does not change.
    assert averaged.probabilities == pytest.approx(once.probabilities, abs=1e-4)
    for wrong in (2, "8", "all", 0):
        with pytest.raises(ValueError, match="views must be 1, 8 or 'auto'"):
            Classifier(bundle, views=wrong)
