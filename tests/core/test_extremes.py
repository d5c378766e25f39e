"""Pixels of any value in images of any shape: always an answer, or a refusal in words.

A short, seeded sibling of ``csrc/fuzz/fuzz_prepare.cpp``, through the core and its twins.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.rendered import galaxy, prepared

import galedge
from galedge.core import kernels
from galedge.core.units import in_units, unit_of
from galedge.errors import Blank

TINY = np.finfo(np.float32).smallest_subnormal
MOST = np.finfo(np.float32).max
SPECIAL = [0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 1e38, -1e38, MOST, -MOST, TINY, 1e-38, 1e30]
SPECIAL += [-1e30, 1e-30, -999, -32768, 65535, 1e19, 2.0**100, 2.0**-100, 255]
FRAMINGS = ["auto", "auto", "auto", "full", 1, 37, 10**6]
LATEST = {"sky": "plane", "bridge": 8, "blanks": "constant"}
STRETCHES = ["asinh", "asinh", "lupton", "zscale"]


def drawn(rng):
    """Draw an image (1 or 3, H, W) with rectangles, rows and columns of special values."""
    height, width = (int(rng.integers(1, rng.choice([4, 40, 150, 500]))) for _ in range(2))
    width += width == 3  # which would be colours
    planes = np.empty((rng.choice([1, 1, 3]), height, width), np.float32)
    for band in planes:
        level = rng.choice(SPECIAL) if rng.random() < 0.5 else 100
        scale = rng.choice(SPECIAL) if rng.random() < 0.3 else 5
        band[:] = level + scale * (0 if rng.random() < 0.2 else rng.normal(size=band.shape))
        for _ in range(rng.integers(0, 8)):
            y, x = rng.integers(height), rng.integers(width)
            y1, x1 = rng.choice([y + 1, y + 4, height]), rng.choice([x + 1, x + 4, width])
            band[y:y1, x:x1] = rng.choice(SPECIAL)
    return planes


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_image_gets_an_answer_or_a_reason():
    rng = np.random.default_rng(16)
    answered = 0
    for i in range(400):
        planes = drawn(rng)
        framing, stretch = (str(rng.choice(FRAMINGS)), str(rng.choice(STRETCHES)))
        recipe = galedge.Recipe(
            size=int(rng.integers(8, 80)),
            framing=framing if framing in ("auto", "full") else int(framing),
            stretch=stretch,
            **(LATEST if i % 2 else {}),
        )
        batch = galedge.prepare([planes], recipe, dtype="float32")
        fact = batch.facts[0]
        if fact.error is not None:
            assert "nothing to see" in fact.error
            continue
        answered += 1
        height, width = planes.shape[1:]
        assert np.isfinite([fact.sky, fact.noise, fact.side]).all(), i
        assert fact.noise >= 0 < fact.side
        assert -0.5 <= fact.x <= width - 0.5
        assert -0.5 <= fact.y <= height - 0.5
        assert 0 <= fact.masked_fraction <= 1
        assert 0 <= batch.pixels.min() <= batch.pixels.max() <= 1
    assert answered > 300


@pytest.mark.parametrize("fields", [{}, LATEST])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_twins_take_any_image_as_the_core_does(fields):
    rng = np.random.default_rng(17)
    agree, tries = 0, 200
    for _ in range(tries):
        planes = drawn(rng)
        batch = galedge.prepare([planes], galedge.Recipe(size=16, **fields))
        fact = batch.facts[0]
        try:
            pixels, found = kernels.prepare_one(planes, size=16, **fields)
        except Blank:
            assert "nothing to see" in fact.error
            agree += 1
            continue
        assert pixels.shape == (3, 16, 16)
        agree += np.abs(pixels.astype(int) - batch.pixels[0]).max() <= 1
        box = found.x, found.y, found.side, found.noise
        assert box == pytest.approx((fact.x, fact.y, fact.side, fact.noise), rel=1e-3, abs=1e-3)
    # Among noise that is a float's last digit, roundings decide.
    assert agree >= 0.98 * tries


@pytest.mark.parametrize("value", [1e38, -1e38, MOST, 1e30])
def test_one_pixel_near_overflow_is_no_harm(value):
    # It ended the process: an infinite cell, a centroid that is no number, a cast of it.
    image = galaxy()
    image[3, 100] = value
    pixels, found = kernels.prepare_one(image[np.newaxis])
    batch = prepared(image)
    assert np.abs(pixels.astype(int) - batch.pixels[0]).max() <= 1
    fact = batch.facts[0]
    assert (found.x, found.y, found.side) == pytest.approx((fact.x, fact.y, fact.side))
    assert fact.sky == pytest.approx(50, abs=0.1)
    assert fact.noise == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("exponent", [-40, -34, -32, -28, -17, -9, 12, 25, 31, 36])
@pytest.mark.parametrize("stretch", ["asinh", "lupton", "zscale"])
def test_answers_do_not_depend_on_the_unit(exponent, stretch):
    image = np.stack([galaxy(seed=seed, scale=5 + seed) for seed in range(3)])
    other = (image * 10.0**exponent).astype(np.float32)
    batch = prepared(image, other, recipe=galedge.Recipe(stretch=stretch))
    usual, unusual = batch.facts
    off = np.abs(batch.pixels[0].astype(int) - batch.pixels[1])
    assert (off > 1).mean() < 1e-3  # float32 itself is coarser below 1e-38
    assert unusual.side == pytest.approx(usual.side, rel=1e-3)
    assert unusual.flags == usual.flags
    assert unusual.sky == pytest.approx(usual.sky * 10.0**exponent, rel=1e-3)
    assert unusual.noise == pytest.approx(usual.noise * 10.0**exponent, rel=1e-2)


def test_units_are_exact_and_seldom():
    for usual in (1e-19, 1, 1e28):
        values = np.array([usual, np.nan, -usual / 3], np.float32)
        assert unit_of(values) == 1
        assert in_units(values, 1.0) is values
    for unusual in (1e-32, TINY, 1e30, MOST):
        values = np.array([unusual, np.inf, -unusual / 2], np.float32)
        unit = unit_of(values)
        assert np.frexp(unit)[0] == 0.5  # a power of two
        back = in_units(values, unit).astype(float) / unit
        np.testing.assert_array_equal(back, values.astype(float))


SPENT = """
import sys, numpy as np, galedge
from pathlib import Path

def highest():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

shape = tuple(map(int, sys.argv[1:]))
image = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
image.flat[::2] += 9  # as many sources as there can be
galedge.prepare([image[:50, :50]])
before = highest()
fact = galedge.prepare([image]).facts[0]
assert "no_source" in fact.flags, fact
print((highest() - before) / image.size)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
@pytest.mark.parametrize("shape", [(1, 4_000_000), (4_000_000, 1)])
def test_strips_take_little_memory(shape):
    run = subprocess.run(
        [sys.executable, "-c", SPENT, *map(str, shape)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 16  # bytes a pixel beside its own; it was 30 and more


FEW_THREADS = """
import resource, numpy as np
import galedge
from galedge.images.background import background
rng = np.random.default_rng(0)
images = [rng.normal(size=(90, 90)).astype(np.float32) for _ in range(40)]
frame = rng.normal(size=(600, 600)).astype(np.float32)
one = galedge.prepare(images), background(frame)
# Stacks are larger than what is left for them: no thread starts.
resource.setrlimit(resource.RLIMIT_AS, (6 << 30,) * 2)
many = galedge.prepare(images, threads=16), background(frame, threads=16)
np.testing.assert_array_equal(one[0].pixels, many[0].pixels)
np.testing.assert_array_equal(one[1].level, many[1].level)
print("done")
"""


@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="it reserves far more")
def test_threads_that_cannot_start_are_done_without():
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY:
        pytest.skip("stacks are limited here")

    def large_stacks():
        resource.setrlimit(resource.RLIMIT_STACK, (8 << 30, resource.RLIM_INFINITY))

    run = subprocess.run(
        [sys.executable, "-c", FEW_THREADS],
        capture_output=True,
        text=True,
        preexec_fn=large_stacks,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert run.stdout == "done\n", run.stderr
