"""galedge explain: maps that add up, and the command that draws them."""

from __future__ import annotations

import csv
import io
import os

import numpy as np
import pytest
from helpers.made import CLASSES, galaxy, tiny_network, write_bundle, write_fits
from PIL import Image

from galedge.answers import illustrate
from galedge.answers.illustrate import cover, draw
from galedge.errors import ModelError
from galedge.network.explain import Explainer, spread
from galedge.network.model import Model
from galedge.network.onnx import add_outputs, cut, nodes

onnx = pytest.importorskip("onnx")


def two_scale_network(size=16, seed=0):
    """Return a network that pools two maps by mean and by maximum, as the shipped one does."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(seed)
    weights = {
        "axes": np.array([2, 3], np.int64),
        "scale": np.float32(1 / 255),
        "first": rng.normal(0, 0.4, (4, 3, 3, 3)).astype(np.float32),
        "second": rng.normal(0, 0.4, (5, 4, 3, 3)).astype(np.float32),
        "heads.weight": rng.normal(0, 1, (18, 7)).astype(np.float32),
        "t.weight": rng.normal(0, 1, (18, 2)).astype(np.float32),
    }
    convolution = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
            node("Mul", ["float", "scale"], ["scaled"]),
            node("Conv", ["scaled", "first"], ["a"], **convolution),
            node("Relu", ["a"], ["fine"]),
            node("Conv", ["fine", "second"], ["b"], **convolution),
            node("Relu", ["b"], ["coarse"]),
            node("ReduceMean", ["fine", "axes"], ["fine_mean"], keepdims=0),
            node("ReduceMax", ["fine", "axes"], ["fine_max"], keepdims=0),
            node("ReduceMean", ["coarse", "axes"], ["coarse_mean"], keepdims=0),
            node("ReduceMax", ["coarse", "axes"], ["coarse_max"], keepdims=0),
            node("Concat", ["fine_mean", "fine_max", "coarse_mean", "coarse_max"], ["all"], axis=1),
            node("MatMul", ["all", "heads.weight"], ["hubble"]),
            node("MatMul", ["all", "t.weight"], ["t_type"]),
        ],
        "two",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 3, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in (("hubble", 7), ("t_type", 2))
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(model.SerializeToString())


def run(network, **feeds):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "two"
    return write_bundle(folder, {"fp32": two_scale_network()})


def picture(seed=0, number=2):
    return np.random.default_rng(seed).integers(0, 256, (number, 3, 16, 16), np.uint8)


def test_appended_outputs_change_nothing_else():
    network = two_scale_network()
    plain = run(network, pixels=picture())
    more = run(add_outputs(network, ["coarse", "fine_max"]), pixels=picture())
    assert list(more) == ["hubble", "t_type", "coarse", "fine_max"]
    for name, value in plain.items():
        np.testing.assert_array_equal(more[name], value)
    assert more["coarse"].shape == (2, 5, 4, 4)
    np.testing.assert_array_equal(
        more["fine_max"], run(add_outputs(network, ["fine"]), pixels=picture())["fine"].max((2, 3))
    )


def test_the_graph_is_read_as_onnx_reads_it():
    for network in (two_scale_network(), tiny_network()):
        wanted = onnx.load_from_string(network).graph.node
        found = nodes(network)
        assert [node.op for node in found] == [node.op_type for node in wanted]
        assert [node.inputs for node in found] == [tuple(node.input) for node in wanted]
        assert [node.outputs for node in found] == [tuple(node.output) for node in wanted]


def test_the_heads_alone_say_what_the_network_says():
    network = two_scale_network()
    pools = ["fine_mean", "fine_max", "coarse_mean", "coarse_max"]
    whole = run(add_outputs(network, pools), pixels=picture())
    heads = cut(network, pools, ["hubble"])
    assert [node.op for node in nodes(heads)] == ["Concat", "MatMul"]
    alone = run(heads, **{name: whole[name] for name in pools})
    np.testing.assert_allclose(alone["hubble"], whole["hubble"], rtol=1e-6)


@pytest.mark.parametrize("end", [1, 7, 50, 200, 700])
def test_a_broken_file_is_an_error_of_its_own(end):
    with pytest.raises(ValueError, match=r"without an end|beyond the end|unknown kind"):
        nodes(two_scale_network()[:end])


def test_heat_is_the_fall_of_the_class_without_each_cell(two):
    """The definition, done the long way: maps with a cell set to zero, through plain NumPy."""
    model = Model.load(two)
    found = Explainer(model).explain(picture(), target=2)
    network = two_scale_network()
    maps = run(add_outputs(network, ["fine", "coarse"]), pixels=picture())
    graph = onnx.load_from_string(network).graph
    weight = next(w for w in graph.initializer if w.name == "heads.weight")
    weight = onnx.numpy_helper.to_array(weight)

    def score(fine, coarse):
        pooled = [fine.mean((1, 2)), fine.max((1, 2)), coarse.mean((1, 2)), coarse.max((1, 2))]
        logits = np.concatenate(pooled) @ weight
        return logits[2] - logits.mean()

    for i in range(2):
        fine, coarse = maps["fine"][i], maps["coarse"][i]
        wanted = np.zeros((16, 16))
        for which, cells in (("fine", fine), ("coarse", coarse)):
            falls = np.zeros(cells.shape[1:], np.float32)
            for y, x in np.ndindex(falls.shape):
                less = cells.copy()
                less[:, y, x] = 0
                without = score(less, coarse) if which == "fine" else score(fine, less)
                falls[y, x] = score(fine, coarse) - without
            wanted += spread(falls, 16)
        np.testing.assert_allclose(found.heat[i], wanted, atol=1e-5)


def test_where_only_averages_are_read_the_map_adds_up_to_the_class(bundle):
    """The tiny network is a class activation map's own case: its parts sum to the whole."""
    model = Model.load(bundle)
    pixels = picture(number=3)
    found = Explainer(model).explain(pixels)
    logits = run(tiny_network(), pixels=pixels)["hubble"]
    np.testing.assert_array_equal(found.target, logits.argmax(1))
    inner = np.zeros((3, 3, 16, 16), np.uint8)
    inner[:, :, 5:11, 5:11] = pixels[:, :, 5:11, 5:11]  # the edges lose to no one what they spread
    found = Explainer(model).explain(inner, found.target)
    logits = run(tiny_network(), pixels=inner)["hubble"]
    score = logits[np.arange(3), found.target] - logits.mean(1)
    np.testing.assert_allclose(found.heat.sum((1, 2)), score, rtol=1e-3, atol=1e-4)


def test_a_cell_lies_where_its_stride_puts_it():
    for size, side in ((72, 9), (72, 5), (64, 8), (16, 16), (40, 5)):
        cells = np.zeros((side, side), np.float32)
        cells[1, 2] = 1
        stride = 2 ** round(np.log2(size / side))
        peak = np.unravel_index(spread(cells, size).argmax(), (size, size))
        assert peak == (stride, 2 * stride)


def test_predictions_are_those_of_the_model(two):
    model = Model.load(two)
    found = Explainer(model).explain(picture())
    wanted = model.predict(picture())
    np.testing.assert_array_equal(found.prediction.probabilities, wanted.probabilities)
    np.testing.assert_array_equal(found.prediction["t_type"], wanted["t_type"])


def test_a_network_without_pooling_is_refused(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["hubble"]),
            helper.make_node("MatMul", ["flat", "v"], ["t_type"]),
        ],
        "flat",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 3, 16, 16])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in (("hubble", 7), ("t_type", 2))
        ],
        [
            numpy_helper.from_array(np.full((768, width), 1e-5, np.float32), name)
            for name, width in (("w", 7), ("v", 2))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    bundle = write_bundle(tmp_path / "flat", {"fp32": bytes(model.SerializeToString())})
    with pytest.raises(ModelError, match="not read from maps pooled"):
        Explainer(Model.load(bundle))


def test_an_overlay_leaves_cold_pixels_as_they_are_and_colours_hot_ones():
    pixels = np.full((3, 16, 16), 90, np.uint8)
    heat = np.full((16, 16), -1.0, np.float32)
    heat[10:13, 10:13] = 2
    plain, covered = (np.asarray(image).astype(int) for image in cover(pixels, heat, 4))
    assert (plain == 90).all()
    np.testing.assert_array_equal(covered[:24, :24], plain[:24, :24])
    assert covered[46, 46, 0] > 150
    still = np.asarray(cover(pixels, np.zeros((16, 16), np.float32), 1)[1])
    np.testing.assert_array_equal(still, 90)


def test_long_and_strange_names_fit_below_the_picture():
    pixels, heat = np.zeros((3, 16, 16), np.uint8), np.zeros((16, 16), np.float32)
    drawn = draw(pixels, heat, ("星系" * 40 + "\n\udcff.fits", "E 0.99"), 2)
    assert drawn.width == 2 * 32 + 2
    assert draw(pixels, heat, (), 1).size == (33, 16)


def rows_of(process):
    return list(csv.DictReader(io.StringIO(process.stdout)))


def test_the_command_draws_every_good_file_and_names_the_bad(galedge, two, night, tmp_path):
    (night / "broken.fits").write_bytes(b"SIMPLE  = T")
    (night / "sub").mkdir()
    write_fits(night / "sub" / "g0.fits", galaxy(seed=9))
    done = galedge("explain", night, "missing.png", "-o", "out", "--model", two, "--workers", 2)
    assert done.returncode == 3
    rows = rows_of(done)
    wanted = "path picture hdu x y label probability t_type t_type_error explained flags status"
    assert list(rows[0]) == [*wanted.split(), "error", "model", "model_sha256", "version"]
    assert [row["status"] for row in rows].count("ok") == 6
    bad = {os.path.basename(row["path"]): row for row in rows if row["status"] == "error"}
    assert set(bad) == {"broken.fits", "missing.png"}
    assert bad["missing.png"]["error"] == "no such file"
    assert all(row["picture"] == "" for row in bad.values())
    assert "missing.png: no such file" in done.stderr
    pictures = [row["picture"] for row in rows if row["status"] == "ok"]
    assert len(set(pictures)) == 6  # two files are called g0.fits
    assert sorted(os.path.join("out", name) for name in os.listdir(tmp_path / "out")) == sorted(
        pictures
    )
    for name in pictures:
        with Image.open(tmp_path / name) as image:
            assert image.size[0] == 2 * 16 * 4 + 4
    for row in rows:
        assert row["label"] == row["explained"]
        assert (row["label"] in CLASSES) == (row["status"] == "ok")


def test_what_cannot_be_drawn_costs_its_row(two, night, tmp_path, monkeypatch):
    def fails_once(pixels, heat, lines, scale):
        if lines[0] == "g1.fits":
            raise RuntimeError("no such glyph")
        return draw(pixels, heat, lines, scale)

    monkeypatch.setattr(illustrate, "draw", fails_once)
    (tmp_path / "out").mkdir()
    illustrator = illustrate.Illustrator(Model.load(two), str(tmp_path / "out"))
    rows = list(illustrator.stream([str(night / f"g{i}.fits") for i in range(3)]))
    assert [row.error is None for row in rows] == [True, False, True]
    assert "no such glyph" in rows[1].error


def test_another_class_can_be_asked_for_and_a_foreign_one_not(galedge, two, night):
    done = galedge("explain", night / "g0.fits", "-o", "out", "--model", two, "--class", "Irr")
    assert done.returncode == 0
    assert rows_of(done)[0]["explained"] == "Irr"
    done = galedge("explain", night / "g0.fits", "-o", "out", "--model", two, "--class", "Sx")
    assert done.returncode == 2
    assert "'Sx' is none of the model's classes: E, S0" in done.stderr


def test_raw_data_are_never_replaced(galedge, two, tmp_path):
    """An input may be called what a picture would be called."""
    data = picture(number=1)[0].transpose(1, 2, 0)
    for name in ("a.png", "a.png.explain.png"):
        Image.fromarray(data).save(tmp_path / name)
    before = (tmp_path / "a.png.explain.png").read_bytes()
    done = galedge("explain", "a.png", "a.png.explain.png", "-o", ".", "--model", two)
    assert done.returncode == 0
    assert (tmp_path / "a.png.explain.png").read_bytes() == before
    assert rows_of(done)[0]["picture"] == "./a.png-2.explain.png"


def test_a_file_in_place_of_the_folder_is_wrong_usage(galedge, two, night, tmp_path):
    (tmp_path / "out").write_text("kept")
    done = galedge("explain", night, "-o", "out", "--model", two)
    assert done.returncode == 2
    assert "is a file; name a folder" in done.stderr
    assert (tmp_path / "out").read_text() == "kept"


@pytest.mark.parametrize("order", [None, "TOP-DOWN"])
def test_fits_is_shown_with_its_first_row_at_the_bottom(galedge, two, tmp_path, order):
    light = galaxy(64)
    light[4:12, 28:36] += 900  # a bright companion in the first rows
    write_fits(tmp_path / "g.fits", light, **({"ROWORDER": order} if order else {}))
    done = galedge("explain", "g.fits", "-o", "o", "--model", two, "--frame", "full")
    assert done.returncode == 0
    with Image.open(tmp_path / "o" / "g.fits.explain.png") as image:
        shown = np.asarray(image.convert("L")).astype(int)[:64, :64]
    shown = shown[::-1] if order else shown  # unless it says that its first row is on top
    assert shown[48:].max() > 1.5 * shown[:16].max()


def test_the_shipped_model_can_be_explained():
    model = Model.load()
    side = model.card.recipe.size
    found = Explainer(model).explain(np.zeros((1, 3, side, side), np.uint8))
    assert np.isfinite(found.heat).all()
    assert found.heat.shape == (1, side, side)
