"""How usual pictures are: distances by roots, and no camera's galaxies flagged too often."""

import hashlib

import numpy as np
import pytest
from helpers.made import network_of

from training.score.fits import fit_keep
from training.score.typical import FLAG_BELOW, Scale, embedded, entry_of, envelope


def features(random, number, shift=0.0):
    return (random.normal(3 + shift, 1, (number, 6)) ** 2).astype(np.float32)


def test_a_scale_whitens_roots():
    random = np.random.default_rng(0)
    scale = Scale.of(features(random, 4000))
    away = scale.distance(features(random, 4000))
    assert np.mean(away**2) == pytest.approx(6, rel=0.05)  # chi squared of six
    assert np.median(scale.distance(features(random, 500, 4.0))) > np.quantile(away, 0.999)


def test_no_camera_is_flagged_more_than_the_share():
    random = np.random.default_rng(1)
    cameras = [np.abs(random.normal(0, spread, 5000)) for spread in (1, 1.5, 0.4)]
    calibration = envelope(cameras)
    assert (np.diff(calibration) >= 0).all()
    limit = np.quantile(calibration, 1 - FLAG_BELOW)
    shares = [float((one > limit).mean()) for one in cameras]
    assert max(shares) == pytest.approx(FLAG_BELOW, abs=0.005)
    assert shares[2] == 0


def test_the_entry_names_the_file_that_was_written(tmp_path):
    (tmp_path / "typicality.npz").write_bytes(b"content")
    entry = entry_of(tmp_path / "typicality.npz")
    assert entry["sha256"] == hashlib.sha256(b"content").hexdigest()
    assert (entry["kind"], entry["of"], entry["roots"]) == ("typicality", "embedding", True)


def test_embedded_is_what_the_file_gives(tmp_path):
    file = tmp_path / "model.fp32.onnx"
    file.write_bytes(network_of({"pooled": 4}))
    pixels = np.random.default_rng(2).integers(0, 255, (9, 3, 16, 16), np.uint8)
    np.testing.assert_allclose(embedded(file, pixels), embedded(file, pixels, batch=2), rtol=1e-5)
    assert embedded(file, pixels).shape == (9, 4)


def test_a_share_of_one_class_is_lost():
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (5000, 3))
    moved = logits + fit_keep(logits, 0, 0.01)
    assert (moved.argmax(1) != 0).mean() == pytest.approx(0.01, abs=0.001)
    np.testing.assert_array_equal(moved[:, 1:], logits[:, 1:])
