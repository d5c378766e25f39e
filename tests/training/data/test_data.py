"""Splits, classes, simulation, augmentation: what a leak or a slip would spoil."""

import numpy as np
import pytest
import torch

from training.data.simulate import linear_flux, simulate
from training.data.splits import splits
from training.fit.augment import Augment
from training.words.hubble import FEATURES, HUBBLE, features
from training.words.targets import class_of, left_out


def test_a_split_keeps_a_galaxy_on_one_side():
    galaxies = [f"PGC{i % 300}" for i in range(900)]
    sides = splits(galaxies, seed=3)
    for name in set(galaxies):
        assert (
            len({side for side, galaxy in zip(sides, galaxies, strict=True) if galaxy == name}) == 1
        )
    assert set(sides) == {"train", "val", "test"}
    assert 0.05 < sides.count("test") / 900 < 0.2


def hubble_class(t):
    return class_of(HUBBLE.classes, HUBBLE, {"t_type": str(t)})


def test_classes_by_t_type():
    expected = {-6: 0, -4: 0, -3: 1, -1: 1, 0: 2, 2: 2, 3: 3, 4: 3, 5: 4, 6: 4, 7: 5, 8: 5, 9: 6}
    assert {t: hubble_class(t) for t in expected} == expected
    assert hubble_class(10) == 6
    assert hubble_class(11) == hubble_class(-7) == -1
    kept = {t: not left_out(HUBBLE, {"t_type": t}) for t in ("11", "-7", "10", "")}
    assert kept == {"11": False, "-7": False, "10": True, "": True}


def test_simulation_is_linear_float_and_repeatable():
    picture = np.random.default_rng(0).integers(0, 256, (3, 64, 60), np.uint8)
    colour, mono = simulate(picture, (0, 1), False), simulate(picture, (0, 1), True)
    assert colour.dtype == mono.dtype == np.float32
    assert colour.ndim == 3
    assert mono.ndim == 2
    np.testing.assert_array_equal(mono, simulate(picture, (0, 1), True))
    assert not np.array_equal(mono, simulate(picture, (0, 2), True))


@pytest.mark.parametrize("by_luminance", [False, True])
def test_the_inverse_stretch_keeps_black_white_and_order(by_luminance):
    grey = np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256))
    flux = linear_flux(grey, 3.0, by_luminance)[0, 0]
    assert flux[0] == 0
    assert flux[-1] == pytest.approx(1, abs=1e-5)
    assert (np.diff(flux) > 0).all()


def test_augmentation_without_strength_returns_the_frame():
    pixels = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8)
    still = Augment(0, 0, 1.0, 0, 0, 0, 0, 0, 0)
    frame = torch.tensor([[0.8, 0.0, 0.0]]).repeat(4, 1)
    torch.manual_seed(0)
    mirror = torch.tensor([1.0, -1.0, 1.0, -1.0])
    views = still(pixels, frame, mirror, 32)
    for view, picture, side in zip(views, pixels[:, :, 4:36, 4:36] / 255, mirror, strict=True):
        told = picture.flip(-1) if side < 0 else picture
        turned = [torch.rot90(told, k, (1, 2)) for k in range(4)]
        assert min(float((view - other).abs().max()) for other in turned) < 1e-3


def test_augmentation_stays_in_range_and_can_turn_everything_grey():
    pixels = torch.randint(0, 256, (8, 3, 40, 40), dtype=torch.uint8)
    frame = torch.tensor([[0.8, 0.1, 0.0]]).repeat(8, 1)
    view = Augment(grey=1.0, noise=0)(pixels, frame, torch.ones(8), 32)
    assert view.shape == (8, 3, 32, 32)
    assert 0 <= float(view.min()) <= float(view.max()) <= 1
    torch.testing.assert_close(view[:, 0], view[:, 1])


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"t_type": "4", "hubble": "SBbc"}, {"bar": 1.0}),
        ({"t_type": "4", "hubble": "SABbc"}, {"bar": 0.5}),
        ({"t_type": "4", "hubble": "Sbc"}, {"bar": 0.1}),
        ({"t_type": "-5", "hubble": "E"}, {}),
        ({"code": "1"}, {"arms": 1.0, "clockwise": 1.0, "edge_on": 0.0, "disturbed": 0.0}),
        ({"code": "2"}, {"arms": 1.0, "clockwise": 0.0, "edge_on": 0.0, "disturbed": 0.0}),
        ({"code": "3"}, {"edge_on": 1.0}),
        ({"code": "5"}, {"disturbed": 1.0}),
        ({"code": "0"}, {}),
        ({"t_type": "3", "inclination": "1", "bar_length": "-1"}, {"edge_on": 1.0}),
        ({"t_type": "-5", "inclination": "1"}, {}),
        (
            {"t_type": "3", "bar_length": "0.5", "arm_strength": "0", "arm_rotation": "0.25"},
            {"bar": 1.0, "arms": 0.0, "clockwise": 0.25},
        ),
    ],
)
def test_what_catalogues_say_of_features(row, told):
    found = dict(zip(FEATURES, features(row), strict=True))
    assert {name: value for name, value in found.items() if value == value} == told
