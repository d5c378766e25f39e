"""Imbalance: losses, samplers, heads, and the study that compares them."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.data.pack import Pack
from training.fit.imbalance import (
    METHODS,
    class_loss,
    head,
    long_tail,
    pixel_smote,
    sampling_weights,
    undersample,
)
from training.study.study import study, table
from training.study.variants import STUDIES
from training.words.hubble import HUBBLE


@pytest.mark.parametrize("method", METHODS)
def test_every_loss_prefers_the_right_class(method):
    loss = class_loss(method, np.array([90, 9, 1]), smoothing=0.1)
    right = loss(torch.tensor([[0.0, 0.0, 5.0]]), torch.tensor([2]))
    wrong = loss(torch.tensor([[5.0, 0.0, 0.0]]), torch.tensor([2]))
    assert right < wrong


def test_logit_adjustment_asks_more_of_rare_classes():
    adjusted = class_loss("logit", np.array([90, 9, 1]))
    logits = torch.zeros(1, 3)
    assert adjusted(logits, torch.tensor([2])) > adjusted(logits, torch.tensor([0]))


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="imbalance must be one of"):
        class_loss("smote", np.array([1, 1]))


def test_sampling_weights_lift_rare_classes_and_only_on_request():
    labels = np.array([0] * 90 + [1] * 10)
    weights = sampling_weights("sampler", labels)
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] / weights[0] == pytest.approx(3)
    assert sampling_weights("logit", labels) is None


def test_even_sampling_draws_classes_alike():
    labels = np.array([0] * 90 + [1] * 10)
    weights = sampling_weights("even", labels)
    assert weights[:90].sum() == pytest.approx(weights[90:].sum())


def test_undersampling_cuts_every_class_to_the_smallest():
    labels = np.array([2] * 50 + [0] * 7 + [1] * 20)
    rows = undersample(labels, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [7, 7, 7]
    assert len(set(rows.tolist())) == 21


def test_a_long_tail_falls_geometrically_and_keeps_the_order():
    labels = np.repeat(np.arange(4), [300, 1000, 500, 400])
    counts = np.bincount(labels[long_tail(labels, 100, np.random.default_rng(0))])
    assert counts.tolist() == [10, 1000, 215, 46]


def made_pack(counts, side=12):
    """Return a pack whose classes differ in brightness."""
    random = np.random.default_rng(0)
    label = np.repeat(np.arange(len(counts)), counts)
    n = len(label)
    light = (20 + 30 * label)[:, None, None, None]
    pixels = np.clip(light + random.normal(0, 12, (n, 3, side, side)), 0, 255).astype(np.uint8)
    frame = np.tile(np.float32([0.8, 0, 0]), (n, 1))
    split = np.where(np.arange(n) % 3 == 0, "val", "train")
    return Pack(
        folder=Path(),
        info={},
        views={"auto": pixels},
        exact={"auto": pixels},
        frames={"auto": frame},
        file=np.arange(n).astype(str),
        galaxy=np.arange(n).astype(str),
        source=np.full(n, "made"),
        split=split,
        task=HUBBLE,
        told={
            "hubble": np.eye(7, dtype=np.float32)[label],
            "t_type": np.stack([label, np.full(n, 0.8)], 1).astype(np.float32),
            "features": np.full((n, 18), np.nan, np.float32),
        },
    )


def test_pixel_smote_fills_up_classes_with_blends():
    pack = made_pack([30, 12, 9])
    rows = np.flatnonzero(pack.split == "train")
    larger, chosen = pixel_smote(pack, rows, 0)
    assert np.bincount(larger.label[chosen]).tolist() == [20, 20, 20]
    assert (larger.split[chosen] == "train").all()
    np.testing.assert_array_equal(larger.views["auto"][: len(pack)], pack.views["auto"])
    fresh = larger.views["auto"][len(pack) :]
    kinds = larger.label[len(pack) :]
    for c in (1, 2):  # a blend is as bright as its class
        assert fresh[kinds == c].mean() == pytest.approx(20 + 30 * c, abs=3)


@pytest.mark.parametrize("smote", [False, True])
def test_a_retrained_head_recalls_the_rare_class(smote):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 300, 12])
    features = random.normal(0, 1, (612, 5)) + labels[:, None] * [1.5, 0, 0, 0, 0]
    logits = head(features, labels, smote=smote).decision_function(features)
    assert logits.shape == (612, 3)
    assert (logits.argmax(1) == labels)[labels == 2].mean() > 0.7


def test_a_study_trains_every_variant_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    pack = made_pack([24, 18, 15, 15, 15, 15, 12])
    monkeypatch.setattr("training.study.study.BASE.network", "galaxy:4,4,4,4")
    monkeypatch.setattr("training.study.study.BASE.size", 16)
    out = tmp_path / "imbalance.json"
    summary = study("imbalance", pack, out, seeds=1, epochs=1, draws=5)
    assert list(summary["rows"]) == [variant.name for variant in STUDIES["imbalance"]]
    for row in summary["rows"].values():
        low, high = row["macro_f1"][1:]
        assert 0 <= low <= high <= 1
    assert json.loads(out.with_suffix(".table.json").read_text()) == summary
    assert table(summary).count("\n") == len(summary["rows"]) + 1
    calls = SimpleNamespace(count=0)
    monkeypatch.setattr("training.study.study.train", lambda *a, **k: setattr(calls, "count", 1))
    assert study("imbalance", pack, out, seeds=1, epochs=1, draws=5) == summary
    assert calls.count == 0
