"""The report: its numbers on answers made up for the purpose, and the page of a small bundle."""

import csv
import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.__main__ import main
from training.data.pack import pack
from training.nets.network import Galaxy
from training.report.numbers import per_class
from training.score.answers import Answers
from training.score.evaluate import bootstrap, estimate, measure
from training.score.strata import by_stratum
from training.score.transitions import catalogues, entropy, pair, partners
from training.ship.bundle import make
from training.words.hubble import HUBBLE


def answers(label, guess, sure=4.0, t=None, galaxy=None):
    """Make up answers: `sure` is by how much the logit of the guess stands out."""
    label, guess = np.array(label), np.array(guess)
    logits = np.zeros((len(label), 7))
    logits[np.arange(len(label)), guess] = sure
    t = label.astype(float) if t is None else np.array(t, float)
    names = np.arange(len(label)).astype(str) if galaxy is None else np.array(galaxy)
    unknown, nothing = np.full((len(label), 5), np.nan), np.zeros(len(label))
    told = {"hubble": np.eye(7)[label], "t_type": np.stack([t, nothing], 1), "features": unknown}
    said = {"hubble": logits, "t_type": np.stack([guess, nothing], 1), "features": unknown}
    return Answers(HUBBLE, names, told, said)


AS_IS = {"hubble": {"temperature": 1.0}}


def test_bootstrap_draws_galaxies_not_pictures():
    values = np.repeat(np.arange(20.0), 50)
    whole = bootstrap(np.repeat(np.arange(20), 50), lambda rows: values[rows].mean())
    single = bootstrap(np.arange(1000), lambda rows: values[rows].mean())
    assert np.diff(whole) > 4 * np.diff(single)
    assert whole[0] < values.mean() < whole[1]
    assert estimate(np.zeros(0), np.zeros(0)) == [None, None, None]


def test_classes_are_scored_as_counted_by_hand():
    scores = per_class(answers([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), AS_IS, draws=20)
    assert scores["E"]["precision"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["E"]["recall"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["S0"]["precision"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["S0"]["recall"][0] == 1
    assert scores["Sa"]["pictures"] == 1
    assert scores["Sb"]["recall"] == [None, None, None]  # JSON has no NaN
    json.dumps(scores, allow_nan=False)


def test_a_class_that_a_sample_lacks_is_no_number():
    told = measure(answers([0, 0, 1, 1], [0, 1, 1, 1]), AS_IS, draws=20)
    assert told["recall"]["E"][0] == 0.5
    assert told["recall"]["Sb"] == [None, None, None]
    json.dumps(told, allow_nan=False)


def test_a_pair_counts_confusions_and_names_the_galaxies():
    made = answers([0, 0, 0, 1, 1, 1, 5], [0, 1, 3, 1, 1, 0, 1])
    found = pair(made, AS_IS, ("E", "S0"), draws=20)
    assert found["confusion"] == [[1, 1, 1], [1, 2, 0]]
    assert sorted(found["confused"]) == [1, 5]
    assert found["accuracy"][0] == 0.5
    assert found["mixed_up"][0] == pytest.approx(1 / 3, abs=1e-4)


def test_the_surest_confusion_comes_first():
    made = answers([0, 0, 0], [1, 1, 1])
    made.logits[:, 1] = (1, 9, 5)
    assert pair(made, AS_IS, ("E", "S0"), draws=5)["confused"] == [1, 2, 0]


def test_doubt_that_follows_the_catalogues_is_found_and_other_doubt_is_not():
    random = np.random.default_rng(0)
    n = 60
    apart = np.arange(n) % 3
    t = np.full(n, 3.0)
    label, other = np.full(n, 3), 3 + apart
    names = [f"G{i}" for i in range(n)]
    partner = np.concatenate([np.arange(n, 2 * n), np.arange(n)])
    first = np.arange(2 * n) < n
    found = {}
    for name, doubt in (("follows", apart), ("blind", random.permutation(apart))):
        one = answers(label, label, t=t, galaxy=names)
        one.said["hubble"] *= (1 - 0.3 * doubt)[:, None]
        two = answers(other, label, t=t + apart, galaxy=names)
        two.said["hubble"] = one.logits
        both = Answers.join([one, two])
        found[name] = catalogues(both, partner, first, AS_IS, draws=200)
    assert found["follows"]["galaxies"] == n
    assert found["follows"]["doubt_and_difference"][0] > 0.95
    assert found["follows"]["doubt_tells_difference"][0] > 0.95
    low, high = found["blind"]["doubt_and_difference"][1:]
    assert low < 0 < high
    assert found["follows"]["same_class"][0] == pytest.approx(1 / 3, abs=1e-4)
    assert catalogues(both, np.full(2 * n, -1), first, AS_IS) is None


def test_entropy_runs_from_sure_to_no_idea():
    assert entropy(np.eye(7)).max() < 1e-6
    np.testing.assert_allclose(entropy(np.full((1, 7), 1 / 7)), 1)


def test_strata_hold_every_known_picture_once():
    right = np.arange(80) < 40
    made = answers(np.zeros(80, int), np.where(right, 0, 1))
    values = np.where(np.arange(80) == 79, np.nan, np.arange(80.0))
    table = by_stratum(made, values, draws=20)
    assert sum(row["pictures"] for row in table) == 79
    assert [row["accuracy"][0] for row in table] == [1, 1, 0, 0]
    levels = np.repeat([0, 0.25, 0.5, 1], [30, 30, 18, 2])
    assert [row["pictures"] for row in by_stratum(made, levels, draws=20)] == [30, 30, 20]
    assert by_stratum(made, np.full(80, np.nan)) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A pack of two catalogues, and a bundle of an untrained network."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        columns = ["file", "source", "galaxy", "t_type", "t_lo", "t_hi", "split", "inclination"]
        writer.writerow(columns)
        for i in range(70):
            t = (-5, -2, 1, 3, 5, 7, 10)[i % 7]
            y, x = np.mgrid[-20:20, -20:20]
            light = np.exp(-np.hypot(x, y) / (4 + i % 7)) * 200 + random.normal(9, 2, (3, 40, 40))
            for a, b in random.uniform(-14, 14, (4, 2)):  # without knots all would look alike
                light += 90 * np.exp(-np.hypot(x - a, y - b))
            picture = np.clip(light, 0, 255).astype(np.uint8).transpose(1, 2, 0)
            Image.fromarray(picture).save(folder / f"{i}.png")
            side = ("val", "train", "test", "test", "test")[i // 14]
            galaxy = f"G{i // 2}"
            if i % 2:
                writer.writerow([f"{i}.png", "one", galaxy, t, t - 1, t + 1, side, 0.5])
            else:
                writer.writerow([f"{i}.png", "two", galaxy, t, "", "", side, ""])
    packed = pack(folder, tmp_path_factory.mktemp("pack"), Recipe(size=32), prepare, simulations=1)
    torch.manual_seed(0)
    run = tmp_path_factory.mktemp("run")
    network = Galaxy(HUBBLE.layers, (8, 8, 12, 16))
    torch.save(network.state_dict(), run / "weights.pt")
    config = {"network": "galaxy:8,8,12,16", "size": 32}
    (run / "run.json").write_text(json.dumps({"config": config}))
    bundle = tmp_path_factory.mktemp("bundle")
    make(run, packed, bundle, "made-1", "1.0", int8=False, draws=5)
    return folder, packed, run, bundle


def test_one_command_writes_a_page_that_needs_nothing_else(trained, tmp_path):
    source, packed, _, bundle = trained
    arguments = ["evaluate", str(bundle), str(packed.folder), "--precision", "fp32"]
    arguments += ["--source", str(source), "--draws", "10", "-o", str(tmp_path / "report")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| fp32 | one | colour |" in done.output
    page = (tmp_path / "report" / "index.html").read_text()
    assert "made-1 on the test split" in page
    for text in ("Confusion", "Calibration", "T-type", "Transition types: one", "worst errors"):
        assert text in page
    assert page.count("data:image/") >= 10
    assert page.count("src=") == page.count('src="data:image/')
    assert "href=" not in page
    numbers = json.loads((tmp_path / "report" / "metrics.json").read_text())
    values = numbers["sets"]["two"]["linear"]
    assert values["pictures"] == np.sum(values["confusion"]) == 21
    assert {"side", "sn", "inclination", "limits"} <= set(values["strata"])
    assert sum(row["pictures"] for row in values["strata"]["inclination"]) == 21
    assert sum(row["pictures"] for row in values["strata"]["side"]) == 21
    assert numbers["catalogues"]["galaxies"] == 21
    rows = np.flatnonzero(packed.split == "test")
    other = partners(packed, rows)
    np.testing.assert_array_equal(packed.galaxy[rows[other]], packed.galaxy[rows])


def test_the_table_alone_needs_no_folder(trained):
    _, packed, _, bundle = trained
    arguments = ["evaluate", str(bundle), str(packed.folder), "--precision", "fp32", "--draws", "5"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| fp32 | two | mono |" in done.output
