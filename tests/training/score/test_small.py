"""Where the line between small stars and galaxies is drawn, and how it is told."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from training.data.pack import Pack
from training.score import small
from training.words.morphology import MORPHOLOGY

HEAD = MORPHOLOGY.teller
GALAXY, STAR = (HEAD.names.index(name) for name in ("galaxy", "star"))


def pack_of(logits, truth, source="sky"):
    """A pack of which the network says `logits`, half of it val and half test."""
    count = len(truth)
    told = np.full((count, HEAD.width), np.nan, np.float32)
    told[np.arange(count)] = 0
    told[np.arange(count), truth] = 1
    pack = Pack(
        folder=Path("small"),
        info={},
        views={},
        exact={"auto": logits.astype(np.float32)},
        frames={},
        file=np.arange(count).astype(str),
        galaxy=np.arange(count).astype(str),
        source=np.full(count, source),
        split=np.array(["val", "test"])[np.arange(count) % 2],
        task=MORPHOLOGY,
        told={HEAD.name: told},
    )
    return pack


@pytest.fixture(autouse=True)
def answers(monkeypatch):
    def run(network, pack, rows, view):
        told = pack.told[HEAD.name][rows]
        return SimpleNamespace(
            only=lambda name: SimpleNamespace(
                said={name: pack.exact[view][rows]}, told={name: told}
            )
        )

    monkeypatch.setattr(small, "run", run)


def two(star_ahead, galaxy_ahead, count=400, seed=0):
    """Logits of stars and of galaxies, by how far `star` is ahead in the mean."""
    random = np.random.default_rng(seed)
    truth = np.repeat([STAR, GALAXY], count)
    logits = np.zeros((2 * count, HEAD.width))
    logits[:, STAR] = np.repeat([star_ahead, galaxy_ahead], count) + random.normal(
        0, 0.4, 2 * count
    )
    logits[:, 2] = -9  # no artefact
    order = random.permutation(2 * count)
    return logits[order], truth[order]


def test_the_line_lies_between_the_two():
    bias = small.fit(Path(), HEAD, pack_of(*two(4.0, 1.0)), [])
    assert bias[STAR] == pytest.approx(-2.5, abs=0.8)
    assert bias[GALAXY] == bias[2] == 0


def test_stars_are_never_called_more_often_than_before():
    assert small.fit(Path(), HEAD, pack_of(*two(-1.0, -4.0)), [])[STAR] == 0


def test_what_is_well_apart_has_its_say():
    alone = small.fit(Path(), HEAD, pack_of(*two(3.0, 2.0)), [])[STAR]
    large = pack_of(*two(1.5, -6.0, seed=1), "large")
    both = small.fit(Path(), HEAD, pack_of(*two(3.0, 2.0)), [large])[STAR]
    assert alone < -2 < both <= 0


def test_what_the_card_tells():
    logits, truth = two(4.0, -4.0)
    pack = pack_of(logits, truth)
    (row,) = small.measured(Path(), HEAD, pack).values()
    test = truth[1::2]
    assert row == {
        "galaxy": {"pictures": int((test == GALAXY).sum()), "found": 1.0},
        "star": {"pictures": int((test == STAR).sum()), "found": 1.0},
        "roc_area": 1.0,
    }
    row = small.measured(Path(), HEAD, pack_of(logits + 9 * (np.arange(3) == STAR), truth))["sky"]
    assert (row["galaxy"]["found"], row["star"]["found"]) == (0.0, 1.0)


def test_a_pack_that_tells_nothing_is_refused():
    pack = pack_of(*two(4.0, 1.0))
    pack.told[HEAD.name][:] = np.nan
    with pytest.raises(ValueError, match="no picture of val has a kind"):
        small.fit(Path(), HEAD, pack, [])
