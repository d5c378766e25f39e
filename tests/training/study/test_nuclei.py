"""The study of nuclei: what it renders has the shares that it says, and counts are right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.study.nucleated import draw, linear, render, texture
from training.study.nuclei import by, worth


def test_a_galaxy_has_the_share_that_was_asked_for():
    random = np.random.default_rng(1)
    galaxy = replace(draw(random, 0.3), snr=300.0, radius=8.0, seeing=2.5, side=96)
    without = replace(galaxy, share=0.0)
    image, point = render(galaxy, np.random.default_rng(2))
    host, _ = render(without, np.random.default_rng(2))
    assert point.sum() == pytest.approx(1)
    added = image.astype(float) - 100 - 0.7 * (host.astype(float) - 100)
    total = galaxy.snr * np.sqrt(np.pi) * 1.5 * galaxy.radius
    # What is left is the point, and three tenths of the noise, which is the same in both.
    assert added.sum() == pytest.approx(0.3 * total, rel=0.05)
    y, x = np.unravel_index(added.argmax(), added.shape)
    assert (x, y) == pytest.approx((galaxy.x, galaxy.y), abs=1)


def test_a_texture_is_one_where_a_galaxy_is_smooth():
    y, x = np.indices((200, 200)) - 100
    picture = np.repeat((200 * np.exp(-np.hypot(x, y) / 15))[..., None], 3, 2).astype(np.uint8)
    uneven = texture(linear(picture))
    assert uneven is not None
    u = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(uneven(u, 0.3 * u), 1, atol=0.35)


def test_worth_counts():
    some = draw(np.random.default_rng(0), 0.2)
    none = replace(some, share=0.0)
    rows = [(some, 0.3, 0.1, True), (some, 0.1, 0.1, False), (none, 0.0, 0.05, False)]
    told = worth([*rows, (none, float("nan"), float("nan"), False)])
    assert (told["galaxies"], told["answers"], told["none"]) == (4, 3, 2)
    assert told["rmse"] == pytest.approx((0.02 / 3) ** 0.5, abs=1e-4)
    assert told["bias"] == pytest.approx(0, abs=1e-9)
    assert (told["flagged_of_0.1_and_more"], told["flagged_of_none"]) == (0.5, 0)
    assert worth([(none, float("nan"), float("nan"), False)])["answers"] == 0
    assert by(rows, lambda galaxy: galaxy.share, (0, 0.1, 0.5))["0-0.1"]["galaxies"] == 1


def test_the_page_has_what_was_measured():
    root = Path(__file__).parents[3]
    page = (root / "docs/nuclei.md").read_text()
    told = json.loads((root / "training/results/nuclei.json").read_text())
    shares = told["by share"].values()
    seeings = told["by seeing, FWHM in pixels"].values()
    for one in (told["all"], told["no bulge"], *shares, *seeings):
        figures = f"{one['rmse']:.3f} | {one['bias']:+.3f} | {one['error']:.3f}"
        assert f"| {one['answers']} of {one['galaxies']} | {figures} |" in page
    for one in (told["all"], *seeings):
        assert one["rmse"] <= 0.08
        assert abs(one["bias"]) <= 0.02
