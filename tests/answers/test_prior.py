"""Prior: answers for another mix of classes, given by the user or told by the answers."""

import csv
import io
import json
import re

import numpy as np
import pytest
from helpers.made import CLASSES, KINDS, bundle_of, galaxy, write_bundle, write_fits

from galedge.answers.classifier import Classifier
from galedge.answers.prior import fit_shares, fitted, read_shares, shown
from galedge.network.model import Model

PRIOR = [0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.1]
SETS = {"method": "class-conditional", "levels": {"0.9": [0.1] * 7}}
FEW_E = "E=0.001,S0=0.2,Sa=0.2,Sb=0.2,Sc=0.2,Sd=0.1,Irr=0.099"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, network):
    place = tmp_path_factory.mktemp("models") / "with-prior"
    return write_bundle(place, {"fp32": network}, prior=PRIOR, sets=SETS)


def posterior(seed, number, shares, own):
    """Return classes of so many galaxies, and their exact probabilities by the shares `own`."""
    random = np.random.default_rng(seed)
    label = random.choice(len(shares), number, p=shares)
    seen = random.normal(size=(number, len(shares))) + 1.5 * np.eye(len(shares))[label]
    p = np.exp(1.5 * seen) * own
    return label, p / p.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E=0.1,S0=0.9", (("E", 0.1), ("S0", 0.9))),
        (" E = 1 , a=b=3", (("E", 1.0), ("a=b", 3.0))),
    ],
)
def test_shares_in_words(text, expected):
    assert read_shares(text) == expected
    assert read_shares(shown(expected)) == expected


def test_shares_in_a_file(tmp_path):
    path = tmp_path / "field.txt"
    path.write_text("# of a field\nE 0.1\nearly spiral  2e-1 # with a gap\n\nSc=0.7\n")
    assert read_shares(str(path)) == (("E", 0.1), ("early spiral", 0.2), ("Sc", 0.7))
    path.write_text("E 0.1\nS0\n")
    with pytest.raises(ValueError, match=r"field\.txt, line 2: is no NAME=SHARE"):
        read_shares(str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not a text"):
        read_shares(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("E=0.1,S0", "S0: is no NAME=SHARE"),
        ("E=some", "E=some: is no NAME=SHARE"),
        ("E=-1", "E=-1: is no"),
        ("E=inf", "E=inf: is no"),
        ("E=nan", "E=nan: is no"),
        ("=1", "=1: is no"),
        ("E=1,E=2", "E=2: E has a share already"),
        ("E=0,S0=0", "no class has a share above 0"),
        ("nowhere.txt", "nowhere.txt: No such file or directory; give shares"),
    ],
)
def test_shares_that_are_none(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_shares(text)


def test_the_fit_is_that_of_saerens_and_finds_the_shares():
    own, shares = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    label, p = posterior(0, 4000, shares, own)
    found = fit_shares(p, own, own=0)
    assert abs(found - np.bincount(label) / len(label)).max() < 0.02
    assert abs(found - p.mean(0)).max() > 0.1  # which are not simply those that answers show
    step = own  # as their paper has it, step by step
    for _ in range(2000):
        now = p * (step / own)
        step = (now / now.sum(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(found, step, atol=2e-4)


def test_few_answers_leave_the_models_own_shares():
    own = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(fit_shares(np.empty((0, 3)), own), own)
    one = fit_shares(np.array([[0.0, 0.0, 1.0]]), own)
    assert 0.2 < one[2] < 0.3
    assert fit_shares(np.array([[0.5, 0.5, 0.0]] * 50), [0.5, 0.5, 0])[2] == 0


def test_answers_go_by_the_shares(folder):
    plain = Classifier(folder).classify(galaxy())
    shares = dict(read_shares(FEW_E))
    result = Classifier(folder, prior=shares).classify(galaxy())
    ratios = np.array([shares[name] for name in CLASSES]) / PRIOR
    expected = np.array([plain.probabilities[name] for name in CLASSES]) * ratios
    expected /= expected.sum()
    np.testing.assert_allclose(list(result.probabilities.values()), expected, atol=1e-6)
    assert result.label == CLASSES[expected.argmax()]
    assert result.probability == pytest.approx(expected.max(), abs=1e-6)
    # Sets hold whatever the shares are: by what they were calibrated for, in the new order.
    inside = [n for n in CLASSES if plain.probabilities[n] >= 0.1 or n == result.label]
    assert set(result.label_set) == set(inside)
    assert list(result.label_set) == sorted(inside, key=lambda n: -result.probabilities[n])
    same = Classifier(folder, prior=dict(zip(CLASSES, PRIOR, strict=True))).classify(galaxy())
    np.testing.assert_allclose(
        list(same.probabilities.values()), list(plain.probabilities.values()), atol=1e-6
    )


def test_what_the_shares_rule_out_is_in_no_set(folder):
    plain = Classifier(folder).classify(galaxy())
    shares = dict.fromkeys(CLASSES, 1.0) | {plain.label: 0.0}
    result = Classifier(folder, prior=shares).classify(galaxy())
    assert result.probabilities[plain.label] == 0
    assert plain.label not in result.label_set
    only = dict.fromkeys(CLASSES, 0.0) | {"Irr": 1e-300}
    sure = Classifier(folder, prior=only).classify(galaxy())
    assert (sure.label, sure.probability, sure.label_set) == ("Irr", 1.0, ("Irr",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Scd": 1}, "'Scd' is none of E, S0"),
        ({"E": None, "Irr": None}, "says nothing of E, Irr; give every class its share, or 0"),
        ({"E": -1}, "0 or more"),
        ({"E": float("nan")}, "0 or more"),
        (dict.fromkeys(CLASSES, 0), "not all 0"),
    ],
)
def test_shares_of_other_classes_are_refused(folder, change, message):
    shares = {k: v for k, v in (dict.fromkeys(CLASSES, 1.0) | change).items() if v is not None}
    with pytest.raises(ValueError, match=re.escape(message)):
        Classifier(folder, prior=shares)


def test_a_model_that_does_not_say_its_own_shares(tmp_path, bundle, galedge):
    with pytest.raises(ValueError, match="does not say what shares"):
        Classifier(bundle, prior=dict.fromkeys(CLASSES, 1.0))
    zero = bundle_of(tmp_path / "z", [{**KINDS, "prior": [1, 1, 0]}])
    with pytest.raises(ValueError, match="gives blob no share; only 0 is possible"):
        Classifier(zero, prior=dict.fromkeys(KINDS["names"], 1.0))
    age = {"kind": "quantity", "name": "age", "output": "age"}
    with pytest.raises(ValueError, match="tells no classes"):
        Classifier(bundle_of(tmp_path / "q", [age]), prior={"a": 1.0})
    write_fits(tmp_path / "one.fits", galaxy())
    done = galedge("classify", "one.fits", "--model", bundle, "--prior", "fit")
    assert done.returncode == 2
    assert "does not say what shares its probabilities go by" in done.stderr


def test_a_fit_tells_all_rows_anew(folder):
    model = Model.load(folder)
    plain = list(Classifier(model).stream([galaxy(seed=i) for i in range(40)] + [b"none"]))
    plain[3] = plain[3].withheld("not_a_galaxy")
    said = []
    rows = list(fitted(iter(plain), plain[0].heads, lambda *told: said.append(told)))
    ((shares, number),) = said
    assert number == 39  # without the error, and what is no galaxy
    p = [list(r.probabilities.values()) for r in plain if r.ok and r.label is not None]
    np.testing.assert_allclose([s for _, s in shares], fit_shares(np.array(p), PRIOR), atol=1e-9)
    given = Classifier(model, prior=shares)
    for i, (row, before) in enumerate(zip(rows, plain, strict=True)):
        assert (row.path, row.error, row.flags) == (before.path, before.error, before.flags)
        if not row.ok:
            assert row.as_row() == before.as_row()
            continue
        again = given.classify(galaxy(seed=i))
        if i == 3:
            again = again.withheld("not_a_galaxy")
            assert row.label is None
            assert row.probabilities["E"] is not None
        assert row.as_row() == again.as_row()


def test_the_command_line(folder, tmp_path, galedge):
    for i in range(3):
        write_fits(tmp_path / f"{i}.fits", galaxy(seed=i))
    common = ("classify", "0.fits", "1.fits", "2.fits", "--model", folder)
    plain = list(csv.DictReader(io.StringIO(galedge(*common).stdout)))
    done = galedge(*common, "--prior", FEW_E, "-o", "t.vot")
    assert done.returncode == 0, done.stderr
    (info,) = re.findall(r'<INFO .*name="prior".*', (tmp_path / "t.vot").read_text())
    assert f'value="{FEW_E}"' in info
    done = galedge(*common, "--prior", "fit", "-o", "f.vot", "--gallery", "f.html")
    assert done.returncode == 0, done.stderr
    assert "prior, as 3 answers tell it: E=0." in done.stderr
    assert "most of it is the model's own" in done.stderr
    told = re.search(r"tell it: (\S+)", done.stderr)[1]
    for name in ("f.vot", "f.html"):
        text = (tmp_path / name).read_text()
        assert told in text
        assert "fit to 3 answers" in text
    rows = [json.loads(line) for line in
            galedge(*common, "--prior", told, "--json").stdout.splitlines()]  # fmt: skip
    again = [json.loads(line) for line in
             galedge(*common, "--prior", "fit", "--json").stdout.splitlines()]  # fmt: skip
    assert [row["label"] for row in rows] == [row["label"] for row in again]
    for one, other, before in zip(rows, again, plain, strict=True):
        assert one["p_E"] == pytest.approx(other["p_E"], abs=2e-3)
        assert one["path"] == before["path"]
    done = galedge(*common, "--prior", "E=1")
    assert done.returncode == 2
    assert "says nothing of S0, Sa" in done.stderr
    done = galedge(*common, "--prior", "nowhere")
    assert done.returncode == 2
    assert "nowhere: No such file or directory; give shares, E=0.1" in done.stderr


def test_embed_and_label_go_by_it_too(folder, tmp_path, galedge):
    for i in range(3):
        write_fits(tmp_path / f"{i}.fits", galaxy(seed=i))
    for asked in (FEW_E, "fit"):
        common = ("0.fits", "1.fits", "2.fits", "--model", folder, "--prior", asked)
        (wanted, rows) = (
            list(csv.DictReader(io.StringIO(galedge(command, *common).stdout)))
            for command in ("classify", "embed")
        )
        for one, other in zip(wanted, rows, strict=True):
            assert {name: other[name] for name in one} == one
        done = galedge("label", *common, "-o", "l.html")
        assert done.returncode == 0, done.stderr
        page = (tmp_path / "l.html").read_text()
        (shown,) = page.split('class="rows">')[1:]
        told = json.loads(shown.split("<")[0])
        assert all(row["label"] in cells for row, cells in zip(wanted, told, strict=True))
        assert "fit to 3 answers" in page or asked != "fit"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("label", ".", "-o", "l.html", "--suggest", "5"), "before all answers are there"),
        (("watch", ".", "-o", "n.jsonl"), "more are to come; give the shares"),
        (("classify", ".", "-o", "t.csv", "--resume"), "--prior fit goes with none of --resume"),
        (("classify", ".", "--write-back", "b"), "--prior fit goes with none of --resume"),
    ],
)
def test_where_a_fit_is_none(galedge, command, message):
    done = galedge(*command, "--prior", "fit")
    assert done.returncode == 2
    assert message in done.stderr
