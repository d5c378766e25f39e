"""Tuning: a question of one's own, from labels to what classify says."""

import json

import numpy as np
import pytest
from helpers.made import KINDS, bundle_of, network_of, rows, write_bundle, write_fits

pytest.importorskip("sklearn")

import galedge as package
from galedge.errors import GaledgeError, OutputError
from galedge.network.card import Card
from galedge.network.engine import start
from galedge.network.model import Model
from galedge.network.onnx import Step, grafted, with_gains

WORDS = {
    "kind": "labels", "name": "signs", "output": "signs", "primary": True,
    "names": ["bright", "round"],
}  # fmt: skip


def shape(kind, seed, side=40):
    """Return a picture: a disc that is red or blue, of a size of its own."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - (side - 1) / 2
    light = np.exp(-np.hypot(x, y) / rng.uniform(2, 6))
    tint = {"red": (1, 0.5, 0.3), "blue": (0.3, 0.5, 1)}[kind]
    planes = [400 * share * rng.uniform(0.8, 1.2) * light for share in tint]
    return (np.stack(planes) + rng.normal(100, 2, (3, side, side))).astype(np.float32)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A bundle of one head of classes and one of labels, whose network pools the mean colour."""
    folder = tmp_path_factory.mktemp("base") / "base"
    return bundle_of(folder, [KINDS, WORDS], recipe={"size": 16, "framing": "full"})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Thirty pictures, even ones red, and a table that says so in four ways."""
    folder = tmp_path_factory.mktemp("pictures")
    lines = ["file,colour,red,hue,galaxy"]
    for i in range(30):
        kind = ("red", "blue")[i % 2]
        write_fits(folder / f"p{i}.fits", shape(kind, i))
        hue = (0.2 if kind == "red" else 0.8) + 0.01 * (i % 5)
        lines.append(f"p{i}.fits,{kind},{'yes' if kind == 'red' else 'no'},{hue:.2f},g{i // 2 * 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def tuned(base, pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned") / "mine"
    return package.tune(
        pictures / "labels.csv", folder, model=base, columns=["colour", "red", "hue"], workers=1
    )


def test_held_out_pictures_are_told_apart(tuned):
    found = tuned.metrics
    assert set(found) == {"colour", "hue", "own.red"}
    assert found["colour"]["roc_area"][0] > 0.95
    assert found["own.red"]["accuracy"][0] > 0.9
    assert found["hue"]["r2"][0] > 0.5
    assert sum(map(sum, found["colour"]["confusion"])) == 30
    low, value, high = (found["colour"]["accuracy"][k] for k in (1, 0, 2))
    assert low <= value <= high


def test_the_bundle_answers_beside_what_it_answered(tuned, base, pictures):
    clf, old = package.Classifier(tuned.folder, workers=1), package.Classifier(base, workers=1)
    for i in range(4):
        source = shape(("red", "blue")[i % 2], 1000 + i)
        result, before = clf.classify(source), old.classify(source)
        assert result.label == before.label
        assert result.probability == before.probability
        assert result.features == before.features
        row = result.as_row()
        assert row["colour"] == ("red", "blue")[i % 2]
        assert row["p_colour_red"] + row["p_colour_blue"] == pytest.approx(1, abs=1e-5)
        assert (row["p_own_red"] > 0.5) == (i % 2 == 0)
        assert row["hue"] == pytest.approx((0.22, 0.82)[i % 2], abs=0.25)
        assert row["hue_error"] > 0
        assert row["colour_set"] in ("red", "blue", "red;blue", "blue;red")


def test_the_card_says_whence_it_comes(tuned, base, pictures):
    card = Card.read(tuned.folder)
    (made,) = card.fields["tuned"]
    assert made["heads"] == ["colour", "hue", "own"]
    assert made["base"]["name"] == "tiny"
    assert made["base"]["sha256"] == {"model.fp32.onnx": Card.read(base).networks["fp32"].sha256}
    assert made["labels"]["pictures"] == 30
    assert made["labels"]["file"] == "labels.csv"
    assert set(card.fields["metrics"]) == {"test", "tuned"}
    assert "30 pictures of the user's own" in card.fields["limits"][-1]
    assert card.heads.embedding.size == 3
    json.dumps(tuned.card, allow_nan=False)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_every_engine_says_the_same(tuned, engine):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 3, 16, 16), dtype=np.uint8)
    wanted = Model.load(tuned.folder, engine="onnxruntime").predict(pixels)
    if engine == "openvino":
        pytest.importorskip("openvino")
        found = Model.load(tuned.folder, engine="openvino").predict(pixels)
    else:
        torch, onnx = pytest.importorskip("torch"), pytest.importorskip("onnx")
        from galedge.network.onnx_graph import OnnxGraph

        model = Model.load(tuned.folder, engine="onnxruntime")
        network = onnx.load_from_string(model.card.network("fp32"))
        onnx.checker.check_model(network, full_check=True)
        graph = OnnxGraph(network, torch.float32, torch.device("cpu"))
        outputs = {name: each.numpy() for name, each in graph.run(torch.from_numpy(pixels)).items()}
        found = model.decode(outputs)
    for head in wanted.heads:
        np.testing.assert_allclose(found[head.name], wanted[head.name], atol=1e-3)


def test_a_tuned_bundle_can_be_tuned_again(tuned, pictures, tmp_path):
    again = package.tune(
        pictures / "labels.csv",
        tmp_path / "again",
        model=tuned.folder,
        columns=["colour"],
        new=True,
    )
    assert again.card["tuned"][1]["heads"] == ["own_colour"]
    assert any("its head is called own_colour" in note for note in again.notes)
    row = package.Classifier(tmp_path / "again").classify(shape("red", 77)).as_row()
    assert row["colour"] == row["own_colour"] == "red"


def test_folders_named_by_class(base, pictures, tmp_path, galedge):
    for kind, rest in (("red", 0), ("blue", 1)):
        folder = tmp_path / "types" / kind
        folder.mkdir(parents=True)
        for i in range(rest, 30, 2):
            (folder / f"{i}.fits").write_bytes((pictures / f"p{i}.fits").read_bytes())
    run = galedge("tune", "types", "-o", "mine", "--model", base, "--name", "colour")
    assert run.returncode == 0, run.stderr
    assert "colour: 30 pictures of 30 galaxies; held out:" in run.stdout
    assert run.stdout.endswith("mine: use it by --model mine; rows then answer by colour\n")
    run = galedge("classify", pictures / "p0.fits", "--model", "mine")
    assert rows(run.stdout)[0]["colour"] == "red"


def test_missing_labels_are_passed_over(base, pictures, tmp_path):
    text = (pictures / "labels.csv").read_text().replace("p3.fits,blue", "p3.fits,")
    (tmp_path / "labels.csv").write_text(text)
    found = package.tune(
        tmp_path / "labels.csv", tmp_path / "mine", model=base, columns=["colour", "red"],
        images=pictures,
    ).metrics  # fmt: skip
    assert (found["colour"]["pictures"], found["own.red"]["pictures"]) == (29, 30)


def test_pictures_of_a_group_and_equal_ones_are_one_galaxy(base, pictures, tmp_path):
    lines = (pictures / "labels.csv").read_text().splitlines()
    (tmp_path / "twin.fits").write_bytes((pictures / "p0.fits").read_bytes())
    lines = [f"{pictures}/{line}" if i else line for i, line in enumerate(lines)]
    (tmp_path / "labels.csv").write_text(
        "\n".join([*lines, f"{tmp_path}/twin.fits,red,yes,0.2,other"])
    )
    asked = {"model": base, "columns": ["hue"], "images": "/"}
    alone = package.tune(tmp_path / "labels.csv", tmp_path / "a", **asked).metrics["hue"]
    assert (alone["pictures"], alone["galaxies"]) == (31, 30)
    with pytest.raises(GaledgeError, match="15 galaxies have a number; label 20 or more"):
        package.tune(tmp_path / "labels.csv", tmp_path / "b", group="galaxy", **asked)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{all}p0.fits,blue,,,\n", r"colour: one picture has two labels: row 1 \(p0.fits\) red"),
        ("file,colour\np0.fits,red\np1.fits,blue\n", "1 'blue' and 1 'red': label 5 galaxies"),
        ("file,colour\np0.fits,red\np2.fits,red\n", "says 'red' of all"),
        ("file,colour\nnone.fits,red\nno.fits,blue\n", "no picture can be read: .*--images names"),
        ("colour\nred\nblue\n", "has no column of files; name it by --file"),
        ("file\np0.fits\n", "has no column of labels"),
    ],
)
def test_what_labels_cannot_teach_is_refused(base, pictures, tmp_path, text, message):
    text = text.format(all=(pictures / "labels.csv").read_text())
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(GaledgeError, match=message):
        package.tune(
            tmp_path / "l.csv", tmp_path / "mine", model=base, images=pictures,
            columns=["colour"] if "colour" in text else [],
        )  # fmt: skip
    assert not (tmp_path / "mine").exists()


def test_chance_is_refused_and_written_only_when_asked_for(base, pictures, tmp_path):
    rng = np.random.default_rng(3)
    lines = [f"p{i}.fits,{'ab'[rng.integers(2)]}" for i in range(30)]
    (tmp_path / "l.csv").write_text("\n".join(["file,luck", *lines]))
    asked = {"model": base, "images": pictures}
    with pytest.raises(GaledgeError, match="luck cannot be told from chance"):
        package.tune(tmp_path / "l.csv", tmp_path / "mine", **asked)
    tuned = package.tune(tmp_path / "l.csv", tmp_path / "mine", anyway=True, **asked)
    assert "luck: cannot be told from chance" in tuned.notes


def test_other_files_are_spared(base, pictures, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for folder, message in ((tmp_path, "is no bundle"), (base, "is the model that is tuned")):
        with pytest.raises(OutputError, match=message):
            package.tune(pictures / "labels.csv", folder, model=base, columns=["colour"])


def test_without_scikit_learn_the_remedy_is_named(base, pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.model_selection", None)
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(GaledgeError, match=r"needs sklearn.*pip install 'galedge\[tune\]'"):
        package.tune(pictures / "labels.csv", tmp_path / "mine", model=base)


def test_a_name_that_is_taken_is_not_grafted(network):
    with pytest.raises(ValueError, match="a name is taken"):
        grafted(network, [Step("Relu", ("colour",), "scaled")], {}, {"scaled": 3})


def mapped(base, pictures, tmp_path, words, number=30):
    """Return a table that calls red and blue otherwise, in the words of the base's head."""
    lines = ["file,kind"]
    lines += [f"{pictures}/p{i}.fits,{words[i % 2]}" for i in range(number)]
    (tmp_path / "old.csv").write_text("\n".join(lines))
    return package.tune(tmp_path / "old.csv", tmp_path / "mine", model=base)


def test_labels_in_the_words_of_a_head_adapt_it(base, pictures, tmp_path):
    tuned = mapped(base, pictures, tmp_path, ("lens", "blob"))
    found = tuned.metrics["kind"]
    assert found["accuracy"][0] > found["before"]["accuracy"][0] + 0.2
    assert found["accuracy"][0] > 0.9
    assert found["step"] == "relearned"
    old, new = Card.read(base).heads, Card.read(tmp_path / "mine").heads
    assert [head.name for head in new if head.columns] == [head.name for head in old]
    assert new["kind"].primary
    assert sum(new["kind"].prior) == pytest.approx(1, abs=1e-3)
    assert new["kind"].sets is None
    clf = package.Classifier(tmp_path / "mine", workers=1)
    assert clf.classify(shape("red", 77)).label == "lens"
    assert clf.classify(shape("blue", 78)).label == "blob"


def test_a_head_that_is_right_stays_as_it_was(base, pictures, tmp_path):
    clf = package.Classifier(base, workers=1)
    said = [clf.classify(f"{pictures}/p{i}.fits").label for i in range(2)]
    tuned = mapped(base, pictures, tmp_path, said)
    assert tuned.metrics["kind"]["accuracy"][0] >= tuned.metrics["kind"]["before"]["accuracy"][0]


def test_a_head_is_chosen_to_give_the_label(base, pictures, tmp_path, galedge):
    asked = ("tune", pictures / "labels.csv", "--column", "colour", "--model", base, "-o")
    done = galedge(*asked, "mine", "--primary", "colour")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("rows then answer by label\n")
    old = galedge("classify", pictures / "p0.fits", pictures / "p1.fits", "--model", base)
    done = galedge("classify", pictures / "p0.fits", pictures / "p1.fits", "--model", "mine",
                   "--gallery", "g.html")  # fmt: skip
    for row, before, kind in zip(rows(done.stdout), rows(old.stdout), ("red", "blue"), strict=True):
        assert row["label"] == kind
        assert row["probability"] == row[f"p_{kind}"]
        assert (row["kind"], row["kind_probability"]) == (before["label"], before["probability"])
        assert row["p_kind_lens"] == before["p_lens"]
        assert row["p_bright"] == before["p_bright"]
    page = (tmp_path / "g.html").read_text()
    assert '"label"' in page.split('id="page">')[1].split("<")[0]
    done = galedge("label", pictures / "p0.fits", "--model", "mine", "-o", "l.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "l.html").read_text()
    told = json.loads(page.split('id="page">')[1].split("<")[0])
    assert told["asked"] == [{"name": "label", "classes": ["blue", "red"]}]
    # A head of before may be chosen in a bundle that is tuned again.
    again = ("tune", pictures / "labels.csv", "--column", "hue", "--model", "mine", "-o", "more")
    assert galedge(*again, "--primary", "kind").returncode == 0
    row = rows(galedge("classify", pictures / "p0.fits", "--model", "more").stdout)[0]
    assert (row["label"], row["colour"]) == (rows(old.stdout)[0]["label"], "red")


def test_labels_give_way_to_classes_of_their_names(base, pictures, tmp_path):
    text = (pictures / "labels.csv").read_text()
    (tmp_path / "l.csv").write_text(text.replace(",blue,", ",bright,"))
    tuned = package.tune(
        tmp_path / "l.csv", tmp_path / "mine", model=base, columns=["colour"], images=pictures,
        primary="colour",
    )  # fmt: skip
    assert any("signs: its columns are p_signs_" in note for note in tuned.notes)
    row = package.Classifier(tmp_path / "mine", workers=1).classify(shape("blue", 3)).as_row()
    assert row["label"] == "bright"
    assert row["p_bright"] > 0.5
    assert 0 <= row["p_signs_bright"] <= 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("red", "is of yes and no, and gives no label; to make classes of it: --kind red=classes"),
        ("hue", "'hue' is no head and no column of classes, .* there are colour, kind"),
        ("nothing", "there are colour, kind"),
    ],
)
def test_what_gives_no_label_is_refused(base, pictures, tmp_path, name, message):
    with pytest.raises(GaledgeError, match=message):
        package.tune(pictures / "labels.csv", tmp_path / "mine", model=base, primary=name,
                     columns=["colour", "red", "hue"])  # fmt: skip
    assert not (tmp_path / "mine").exists()


def tinted(seed, tint):
    """Return a picture of bytes, and the same through a camera of other gains."""
    kind = ("red", "blue")[seed % 2]
    light = shape(kind, seed)
    plain = (light / light.max() * 150).clip(0, 255)
    other = plain * np.array(tint)[:, None, None]
    return [
        each.round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0) for each in (plain, other)
    ]


@pytest.fixture
def of_hue(tmp_path):
    """A bundle that tells red pictures from blue by the sign of their difference."""
    weights = np.array([[40, -40], [0, 0], [-40, 40]], np.float32)
    head = {"kind": "classes", "name": "hue", "output": "hue", "names": ["warm", "cool"],
            "temperature": 1.0}  # fmt: skip
    steps = [Step("Gemm", ("colour", "w", "b"), "hue")]
    constants = {"w": weights, "b": np.zeros(2, np.float32)}
    network = grafted(network_of({"kind": 3}), steps, constants, {"hue": 2})
    nothing = {"task": None, "classes": None, "calibration": None}
    recipe = {"size": 16, "framing": "full"}
    return write_bundle(tmp_path / "hue", {"fp32": network}, schema=2, heads=[head],
                        recipe=recipe, **nothing)  # fmt: skip


@pytest.mark.parametrize("tint", [(1.6, 1.0, 0.5), (1.0, 1.0, 1.0)])
def test_the_colours_of_another_camera_are_balanced(of_hue, tmp_path, tint):
    from PIL import Image

    clf, lines = package.Classifier(of_hue, workers=1), ["file,kind"]
    for i in range(60):
        plain, other = tinted(i, tint)
        Image.fromarray(other).save(tmp_path / f"p{i}.png")
        lines.append(f"p{i}.png,{clf.classify(plain.transpose(2, 0, 1)).label}")
    (tmp_path / "l.csv").write_text("\n".join(lines))
    tuned = package.tune(tmp_path / "l.csv", tmp_path / "mine", model=of_hue)
    found = tuned.metrics["hue"]
    if tint == (1.0, 1.0, 1.0):
        assert "gains" not in found
        return
    red, green, blue = found["gains"]
    assert red < green < blue
    assert found["accuracy"][0] > found["before"]["accuracy"][0] + 0.1
    assert tuned.card["tuned"][0]["gains"] == found["gains"]
    assert "red, green and blue times" in tuned.card["limits"][-1]
    mine = package.Classifier(tmp_path / "mine", workers=1)
    right = [
        mine.classify(tinted(i, tint)[1].transpose(2, 0, 1)).label
        == clf.classify(tinted(i, tint)[0].transpose(2, 0, 1)).label
        for i in range(60, 80)
    ]
    assert np.mean(right) > 0.7


def test_gains_are_the_same_with_every_engine(base):
    network = Card.read(base).network("fp32")
    gains = np.array([0.7, 1.0, 1.9], np.float32)
    twice = with_gains(with_gains(network, gains), 1 / gains)
    assert twice != network
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), np.uint8)
    bytes_of = np.arange(256, dtype=np.float32)
    tables = [
        np.floor(bytes_of * gain + np.float32(0.5)).clip(0, 255).astype(np.uint8) for gain in gains
    ]
    toned = np.stack([table[pixels[:, i]] for i, table in enumerate(tables)], 1)
    for engine in ("onnxruntime", "openvino"):
        if engine == "openvino":
            pytest.importorskip("openvino")
        wanted = start(engine, network, "plain").run(toned)
        found = start(engine, with_gains(network, gains), "gains").run(pixels)
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)
    torch, onnx = pytest.importorskip("torch"), pytest.importorskip("onnx")
    from galedge.network.onnx_graph import OnnxGraph

    model = onnx.load_from_string(with_gains(network, gains))
    onnx.checker.check_model(model, full_check=True)
    for dtype in (torch.float32, torch.bfloat16):
        graph = OnnxGraph(model, dtype, torch.device("cpu"))
        for name, values in graph.run(torch.from_numpy(pixels)).items():
            np.testing.assert_allclose(
                values.numpy(), wanted[name], atol=1e-4 if dtype == torch.float32 else 0.2
            )


def test_few_labels_adapt_nothing(base, pictures, tmp_path):
    with pytest.raises(GaledgeError, match="10 galaxies cannot adapt kind; label 20 or more"):
        mapped(base, pictures, tmp_path, ("ring", "lens"), 10)
