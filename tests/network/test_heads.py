"""Heads: any question that a card asks, and the refusal of what is none."""

import hashlib
import io
import json
import re

import numpy as np
import pytest
from helpers.made import KINDS, SIGNS, bundle_of, galaxy, heads_of, rows, write_fits

from galedge.answers.classifier import Classifier
from galedge.answers.result import columns
from galedge.errors import ModelError
from galedge.network import heads as package
from galedge.network.card import Card
from galedge.network.heads import CardError, Heads
from galedge.network.model import Model

AGE = {"kind": "quantity", "name": "age", "output": "age", "range": [0, 14], "unit": "Gyr"}
POOLED = {"kind": "embedding", "name": "pooled", "output": "pooled", "size": 5}
ROLES = {"kind": "classes", "name": "role", "output": "role", "names": ["ring", "none"]}


def scale(size=5, count=99, **changes):
    """Return ``typicality.npz`` of galaxies whose embeddings are normal."""
    rng = np.random.default_rng(0)
    held = {"mean": np.zeros(size), "whitening": np.eye(size)}
    held["calibration"] = np.sort(np.linalg.norm(rng.normal(size=(count, size)), axis=1))
    file = io.BytesIO()
    np.savez(file, **(held | changes))
    return file.getvalue()


def typicality(folder, content, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "typicality.npz").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    entry = {"kind": "typicality", "name": "typicality", "of": "pooled", "flag_below": 0.02}
    return entry | {"file": "typicality.npz", "sha256": sha256} | changes


def test_names_that_two_heads_share_fill_two_columns(other):
    assert [column.name for column in Card.read(other).heads.columns] == [
        "label", "probability", "p_ring", "p_lens", "p_blob", "p_signs_ring", "p_signs_lens",
    ]  # fmt: skip
    result = Classifier(other).classify(galaxy())
    assert result.label in KINDS["names"]
    assert (
        result.probability == result.probabilities[result.label] == result.as_row()["probability"]
    )
    assert sum(result.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert result.t_type is None
    assert result.features == {}
    assert set(result.answer("signs")) == {"p_signs_ring", "p_signs_lens"}
    with pytest.raises(KeyError):
        result.answer("t_type")
    assert list(result.as_row()) == [column.name for column in columns(result.heads)]
    assert "label=" in repr(result)
    assert "t_type" not in repr(result)


def test_all_kinds_in_one_bundle(tmp_path):
    usual, rare = scale(), scale(calibration=np.zeros(99))
    for content, flagged in ((usual, False), (rare, True)):
        entries = [KINDS, ROLES, AGE, SIGNS, POOLED, typicality(tmp_path, content)]
        entries[0] = {**KINDS, "primary": True}
        model = Model.load(bundle_of(tmp_path, entries))
        result = Classifier(model).classify(galaxy())
        row = result.as_row()
        assert row["role"] in ("ring", "none")
        assert row["role_probability"] == max(row["p_role_ring"], row["p_role_none"])
        assert 0 <= row["age"] <= 14
        assert row["age"] == result.t_type
        assert row["age_error"] == result.t_type_error > 0
        assert 0.0099 < row["typicality"] <= 1
        assert ("atypical" in result.flags) is flagged
        prediction = model.predict(np.zeros((2, 3, 16, 16), np.uint8), views=8)
        assert prediction["pooled"].shape == (2, 5)
    (unit,) = (column.unit for column in model.heads.columns if column.name == "age")
    assert unit == "Gyr"


def test_typicality_is_the_share_of_galaxies_that_are_less_usual(tmp_path):
    entries = [KINDS, POOLED, typicality(tmp_path, scale(calibration=np.arange(1.0, 100)))]
    model = Model.load(bundle_of(tmp_path, entries))
    away = np.zeros((4, 5), np.float32)
    away[:, 0] = [0, 50.5, 99.5, np.nan]
    outputs = {"kind": np.zeros((4, 3), np.float32), "pooled": away}
    found = model.decode(outputs)["typicality"][:, 0]
    np.testing.assert_allclose(found, [1, 0.5, 0.01, np.nan], rtol=1e-6)
    told = model.decode(outputs).told(np.zeros(4, bool))
    assert told.flags == [(), (), ("atypical",), ()]
    assert told.finite == [True, True, True, False]


def test_typicality_may_be_of_the_roots(tmp_path):
    head = typicality(tmp_path, scale(calibration=np.arange(1.0, 100)))
    model = Model.load(bundle_of(tmp_path, [KINDS, POOLED, {**head, "roots": True}]))
    away = np.zeros((3, 5), np.float32)
    away[:, 0] = [50.5**2, -4, np.nan]
    outputs = {"kind": np.zeros((3, 3), np.float32), "pooled": away}
    found = model.decode(outputs)["typicality"][:, 0]
    np.testing.assert_allclose(found, [0.5, 1, np.nan], rtol=1e-6)


def test_a_mirrored_picture_exchanges_and_complements():
    exchange = {**KINDS, "mirror": {"ring": "lens", "lens": "ring"}}
    classes, labels = Heads.parse([exchange, SIGNS])
    values = np.array([[0.5, 0.3, 0.2]], np.float32)
    np.testing.assert_array_equal(classes.mirrored(values), values[:, [1, 0, 2]])
    values = np.array([[0.25, 0.75]], np.float32)
    np.testing.assert_array_equal(labels.mirrored(values), [[0.25, 0.25]])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "must list at least one"),
        ([{}], "0: 'kind' is missing"),
        ([{**KINDS, "kind": "spectrum"}], "kind: this galedge knows no heads of kind 'spectrum'"),
        ([{**KINDS, "kind": "base"}], "knows no heads of kind 'base'"),
        ([{**KINDS, "kind": "os.path"}], "knows no heads of kind 'os.path'"),
        ([{**KINDS, "name": "Kind"}], "the name 'Kind' is not of the form"),
        ([{**KINDS, "names": ["a"]}], "'names' must list two or more different names"),
        ([{**KINDS, "temperature": 0}], "'temperature' must be positive"),
        ([{**KINDS, "temperature_by": "age"}], "'age' is no quantity"),
        ([{**KINDS, "prior": [1, 2]}], "'prior' must give each class its share"),
        ([{**KINDS, "mirror": {"ring": "lens"}}], "two names become one"),
        ([{**KINDS, "mirror": {"ring": "complement"}}], "'mirror'"),
        ([KINDS, KINDS], "two are called 'kind'"),
        ([{**KINDS, "primary": True}, {**ROLES, "primary": True}], "are both primary"),
        ([{**AGE, "range": [3, 1]}], "'range' must rise"),
        ([{**AGE, "range": 3}], "'range' must be a JSON array"),
        ([{**AGE, "name": "sky"}], "the column 'sky', which is that of every table; rename"),
        ([{**KINDS, "primary": True}, {**AGE, "name": "p_ring"}], "that of kind; rename the head"),
        ([KINDS, {**SIGNS, "primary": True}], "would fill the column 'p_ring', which is that of"),
        ([{**POOLED, "size": True}], "'size' must be a positive whole number"),
        ([{**SIGNS, "descriptions": {"ring": 3}}], "'descriptions' must be texts"),
        (
            [{**SIGNS, "if": {"bar": ["ring"]}}],
            "'if': 'bar' must be a label, with a list of others",
        ),
        ([{**SIGNS, "if": {"ring": "lens"}}], "'if': 'ring' must be a label, with a list of"),
        ([{**SIGNS, "if": {"ring": ["no lens"]}}], "'no lens' is neither a label nor 'not' one"),
        ([{**SIGNS, "if": {"ring": ["not lens"], "lens": ["ring"]}}], "'ring' hangs on itself"),
    ],
)
def test_heads_that_are_none(tmp_path, entries, message):
    with pytest.raises(CardError, match=re.escape(message)):
        Heads.parse(entries)
    folder = bundle_of(tmp_path / "m", entries, outputs={"kind": 3})
    with pytest.raises(ModelError, match=re.escape(message)) as failure:
        Card.read(folder)
    assert str(failure.value).startswith(str(folder / "card.json"))


ARMS = {
    "kind": "labels",
    "name": "seen",
    "output": "seen",
    "names": ["tight", "arms", "edge", "smooth"],
    "if": {"tight": ["arms"], "arms": ["not edge"], "edge": ["not smooth"]},
}


@pytest.mark.parametrize(
    ("p", "chosen", "said"),
    [
        ((0.9, 0.7, 0.1, 0.2), 0, "tight 0.90 arms 0.70"),
        ((0.9, 0.4, 0.1, 0.2), 1, ""),  # no arms: they are not tight
        ((0.9, 0.8, 0.7, 0.2), 2, "edge 0.70"),
        ((0.9, 0.8, 0.3, 0.6), 3, "smooth 0.60"),  # whether it is edge-on was not asked
    ],
)
def test_labels_that_hang_on_others_are_told_where_these_are(p, chosen, said):
    (head,) = Heads.parse([ARMS])
    values = np.array([p], np.float32)
    assert head.chosen(values) == [chosen]
    (answer,) = head.cells(values)
    assert head.say(answer) == said
    assert [column.given for column in head.columns] == [
        ("p_seen_arms",), ("not p_seen_edge",), ("not p_seen_smooth",), ()
    ]  # fmt: skip
    assert head.shown(answer, 0) == "shown: tight 0.90" + (" (only if arms)" if chosen else "")


def test_an_unknown_kind_may_be_optional(tmp_path):
    spectrum = {"kind": "spectrum", "name": "s", "output": "s", "optional": True}
    folder = bundle_of(tmp_path / "m", [KINDS, spectrum])
    assert [head.name for head in Model.load(folder).heads] == ["kind"]


def test_a_kind_is_one_module(tmp_path, monkeypatch):
    """What a module of `network.heads` defines is a kind of head, with nothing else to tell."""
    (tmp_path / "sign.py").write_text(
        "from galedge.network.heads.quantity import Quantity\n"
        "class HEAD(Quantity):\n    kind = 'sign'\n"
        "    def say(self, answer):\n        return 'plus' if answer[0] > 0 else 'minus'\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    folder = bundle_of(tmp_path / "m", [{**AGE, "kind": "sign"}], outputs={"age": 2})
    result = Classifier(folder).classify(galaxy())
    assert isinstance(result.as_row()["age"], float)
    assert result.label is None


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"kind": 4, "signs": 2}, "do not belong together"),
        ({"kind": 3}, "do not belong together"),
        ({"kind": 3, "signs": 2, "more": 7}, None),
    ],
)
def test_a_network_that_gives_something_else(tmp_path, outputs, message):
    folder = bundle_of(tmp_path / "m", [KINDS, SIGNS], outputs=outputs)
    if message is None:
        Model.load(folder)
        return
    with pytest.raises(ModelError, match=message) as failure:
        Model.load(folder)
    assert str(folder / "model.fp32.onnx") in str(failure.value)


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (scale(), {"sha256": "0" * 64}, "SHA-256 differs"),
        (scale()[:100], {}, "not an archive"),
        (scale(size=4), {}, "other shapes"),
        (scale(mean=np.full(5, np.nan)), {}, "not finite"),
        (scale(mean=np.array([{}] * 5, object)), {}, "not an archive"),  # a pickle
    ],
)
def test_files_of_typicality_that_are_none(tmp_path, content, changes, message):
    entry = typicality(tmp_path / "m", content, **changes)
    folder = bundle_of(tmp_path / "m", [KINDS, POOLED, entry])
    with pytest.raises(ModelError, match=message) as failure:
        Model.load(folder)
    assert str(folder / "typicality.npz") in str(failure.value)


@pytest.mark.parametrize("file", ["", "../typicality.npz", "/etc/passwd"])
def test_files_outside_the_bundle(tmp_path, file):
    entry = typicality(tmp_path, scale(), file=file)
    with pytest.raises(CardError, match="must be a name in the bundle's folder"):
        Heads.parse([POOLED, entry])


def test_a_newer_schema(tmp_path):
    folder = bundle_of(tmp_path / "m", [KINDS], schema=3)
    with pytest.raises(ModelError, match="'schema' 3: this galedge reads 1 and 2"):
        Card.read(folder)


def test_schema_1_is_lifted():
    heads = heads_of(["E", "bar"], ["bar", "clockwise"])
    assert [head.kind for head in heads] == ["classes", "quantity", "labels"]
    assert [column.name for column in heads.columns] == [
        "label", "probability", "p_E", "p_bar", "t_type", "t_type_error",
        "p_features_bar", "p_features_clockwise",
    ]  # fmt: skip
    values = np.array([[0.25, 0.25]], np.float32)
    np.testing.assert_array_equal(heads["features"].mirrored(values), [[0.25, 0.75]])


def test_the_commands_know_no_name_of_a_head(galedge, tmp_path, other):
    night = tmp_path / "night"
    night.mkdir()
    for i in range(3):
        write_fits(night / f"g{i}.fits", galaxy(seed=i))
    (night / "bad.fits").write_bytes(b"")
    wanted = [column.name for column in columns(Card.read(other).heads)]
    model = ("--model", other)

    table = rows(galedge("classify", night, *model).stdout)
    assert list(table[0]) == wanted
    for row in table[1:]:
        assert row["label"] in KINDS["names"]
        assert row["p_ring"] != row["p_signs_ring"]
    for extension in ("csv", "jsonl", "ecsv", "fits", "vot", "parquet"):
        arguments = ("-o", f"t.{extension}", "--views", "auto", *model)
        assert galedge("classify", night, *arguments).returncode == 3
    page = galedge("classify", night, "-o", "t.csv", "--gallery", "t.html", *model)
    assert page.returncode == 3
    text = (tmp_path / "t.html").read_text()
    shown = json.loads(re.search(r'id="page">(.*?)</script>', text)[1])
    assert shown["classes"] == KINDS["names"]
    assert [c["symbol"] for c in shown["columns"] if c["role"] == "yes"] == ["ring", "lens"]
    copies = galedge("classify", night, "-o", "t.csv", "--write-back", "copies", *model)
    assert copies.returncode == 3
    header = (tmp_path / "copies/g0.fits").read_bytes()
    assert all(word in header for word in (b"GECLASS = '", b"GERING  =", b"GELENS  ="))
    assert b"GETTYPE" not in header
    process = galedge("classify", night, "-o", "r.csv", "--resume", *model)
    assert process.returncode == 3
    watched = galedge("watch", night, "-o", "w.jsonl", "--once", *model)
    assert watched.returncode == 0
    line = json.loads((tmp_path / "w.jsonl").read_text().splitlines()[0])
    assert [name for name in line if name in wanted] == wanted
    drawn = rows(galedge("explain", night, "-o", "drawn", *model).stdout)
    assert {row["explained"] for row in drawn[1:]} <= set(KINDS["names"])
    drawn = galedge("explain", night, "-o", "drawn", "--head", "signs", *model)
    assert {row["explained"] for row in rows(drawn.stdout)[1:]} <= set(SIGNS["names"])
    foreign = galedge("explain", night, "-o", "drawn", "--head", "t_type", *model)
    assert foreign.returncode == 2
    assert "of this model: kind, signs" in foreign.stderr
    (tmp_path / "l.csv").write_text("x,y\n32,32\n")
    frame = ("classify", night / "g0.fits", "--catalog", "l.csv", "--overlay", "o.png", *model)
    (row,) = rows(galedge(*frame).stdout)
    assert [name for name in row if name in wanted] == wanted  # a frame tells more
    assert (tmp_path / "o.png").stat().st_size > 0
    assert galedge("benchmark", "--data", night, *model, "--json").returncode == 0


def test_models_says_what_each_head_tells_and_how_far(tmp_path, galedge):
    sets = {"method": "class-conditional", "levels": {"0.8": [0.3, 0.2, 0], "0.9": [0.1, 0.1, 0]}}
    names = [f"label_{i}" for i in range(30)]
    entries = [
        {**KINDS, "primary": True, "sets": sets, "prior": [0.5, 0.25, 0.25]},
        {**ROLES, "primary": False},
        {**SIGNS, "names": names, "mirror": {}, "if": {"label_1": ["not label_0"]}},
        POOLED,
        typicality(tmp_path / "own", scale()),
    ]
    area = {"sky": 0.98, "moon": 0.9}
    metrics = {
        "sets": {"kind": {"0.9": {"coverage": 0.912, "least": 0.874, "size": 1.25}}},
        "typicality": {"flagged": {"colour": 0.01, "poor": 0.03}, "roc_area": area},
    }
    subject = {"head": "role", "name": "ring", "flags": {"none": "hollow"}}
    more = {"limits": ["Knows rings only.", "Of the south."], "licence": "CC0"}
    bundle_of(tmp_path / "own", entries, subject=subject, metrics=metrics, **more)
    text = galedge("models", tmp_path / "own").stdout
    for line in (
        "  speaks of   ring, as role tells: other sources have no label; none: flag hollow",
        "  kind        classes: ring lens blob",
        "              label sets of level 0.8, 0.9",
        "              prior ring 0.50 lens 0.25 blob 0.25",
        "              measured at 0.9: coverage 0.912 (worst class 0.874), mean size 1.25",
        "              only if not label_0: label_1",
        "  typicality  typicality: of pooled, flagged below 0.02",
        "              measured: 2.0% of galaxies flagged, at most 3.0% (poor)",
        "              ROC area of what is no galaxy: sky 0.980, moon 0.900",
        "  limits      - Knows rings only.",
        "              - Of the south.",
        "  licence     CC0",
    ):
        assert f"{line}\n" in text
    assert max(map(len, text.splitlines())) <= 100
    assert [word for word in text.split() if word.startswith("label_")][:30] == names


def test_models_takes_no_card_at_its_word(tmp_path, galedge):
    """What is only shown may be anything."""
    metrics = {"sets": {"kind": {"0.9": {"coverage": "all"}, "0.8": 3}}, "typicality": [1]}
    for number, wrong in enumerate(({}, {"metrics": metrics, "limits": 7}, {"metrics": [1]})):
        folder = bundle_of(tmp_path / str(number), [KINDS, SIGNS], **wrong)
        done = galedge("models", folder)
        assert done.returncode == 0, done.stderr
        assert "  speaks of   anything: what is no galaxy gets an answer too\n" in done.stdout
        assert "limits" not in done.stdout
        assert "coverage" not in done.stdout
    missing = galedge("models", tmp_path / "none")
    assert missing.returncode == 1
    assert "not a model bundle" in missing.stderr
