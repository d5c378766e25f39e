"""Fixtures: a tiny bundle with random weights, galaxies, and the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.made import (
    KINDS,
    SIGNS,
    bundle_of,
    command,
    galaxy,
    tiny_network,
    write_bundle,
    write_fits,
)
from numpy.typing import NDArray


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the tests a cache of their own: what was measured here decides for nobody."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def network() -> bytes:
    return tiny_network()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, network: bytes) -> Path:
    return write_bundle(tmp_path_factory.mktemp("models") / "tiny", {"fp32": network})


@pytest.fixture(scope="module")
def classifier(bundle: Path) -> Any:
    from galedge import Classifier

    return Classifier(bundle, workers=1)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of three classes and two labels of the same names, without a quantity."""
    return bundle_of(tmp_path_factory.mktemp("models") / "other", [KINDS, SIGNS], name="other")


@pytest.fixture(scope="session")
def shipped_pictures() -> Callable[[Any], NDArray[np.uint8]]:
    """Return what gives real galaxies by a model's recipe: cutouts of the Hubble Deep Field."""
    skimage = pytest.importorskip("skimage.data")
    from galedge.images.prepare import prepare

    field = skimage.hubble_deep_field()
    grey = field.mean(axis=2)
    step, side = 48, 96
    corners = [
        (y, x)
        for y in range(0, field.shape[0] - side + 1, step)
        for x in range(0, field.shape[1] - side + 1, step)
    ]
    # Where there is something to see, as it is and, every other one, in one linear band.
    bright = sorted(corners, key=lambda c: -grey[c[0] : c[0] + side, c[1] : c[1] + side].std())
    cutouts = [field[y : y + side, x : x + side] for y, x in bright[:256]]
    sources = [
        np.ascontiguousarray(cutout) if i % 2 else cutout.mean(axis=2, dtype=np.float32)
        for i, cutout in enumerate(cutouts)
    ]

    def prepared(recipe: Any) -> NDArray[np.uint8]:
        batch = prepare(sources, recipe)
        assert all(facts.error is None for facts in batch.facts)
        return np.asarray(batch.pixels)

    return prepared


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Return a folder of five good FITS files."""
    folder = tmp_path / "night"
    folder.mkdir()
    for i in range(5):
        write_fits(folder / f"g{i}.fits", galaxy(seed=i), OBJECT=f"G{i}")
    return folder


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def galedge(tmp_path: Path) -> Run:
    """Return a function that runs the command in a process of its own."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            command(*arguments), cwd=tmp_path, capture_output=True, text=True, timeout=60, **options
        )
        assert "Traceback" not in process.stderr
        return process

    return run
