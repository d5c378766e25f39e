"""Label sets: what a card may say of them, what rows get, and what is refused."""

import json
import re

import numpy as np
import pytest
from helpers.made import KINDS, SIGNS, bundle_of, galaxy, write_fits

from galedge.answers.classifier import Classifier
from galedge.answers.result import columns
from galedge.network.heads import CardError, Heads
from galedge.network.model import Model

LEVELS = {"0.8": [0.4, 0.3, 0.2], "0.9": [0.3, 0.2, 0.1]}
SETS = {"method": "class-conditional", "levels": LEVELS}
WITH = {**KINDS, "sets": SETS}


def sets_of(values, level=0.9, entry=WITH):
    (head,) = Heads.parse([entry]).asked_for(level)
    return [cells[2] for cells in head.cells(np.array(values, np.float32))]


def test_a_set_holds_what_reaches_its_threshold_the_most_probable_first():
    values = [[0.5, 0.4, 0.1], [0.25, 0.7, 0.05], [0.3, 0.3, 0.4]]
    assert sets_of(values) == ["ring;lens;blob", "lens", "blob;ring;lens"]
    assert sets_of(values, 0.8) == ["ring;lens", "lens", "blob;lens"]


def test_no_set_is_empty():
    high = {**KINDS, "sets": {**SETS, "levels": {"0.5": [1, 1, 1]}}}
    assert sets_of([[0.2, 0.3, 0.5], [0.4, 0.4, 0.2]], 0.5, high) == ["blob", "ring"]


def test_the_column_stands_behind_the_probability():
    second = {**WITH, "name": "role", "output": "role", "names": ["a", "b", "c"]}
    first = {**WITH, "primary": True}
    heads = Heads.parse([first, second])
    assert "label_set" not in [column.name for column in heads.columns]
    names = [column.name for column in heads.asked_for(0.8).columns]
    assert names[:4] == ["label", "probability", "label_set", "p_ring"]
    assert names[6:10] == ["role", "role_probability", "role_set", "p_role_a"]
    column = heads.asked_for(0.8).columns[2]
    assert "80 % of galaxies" in column.description
    assert column.keyword == "GESET"


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (3, "'sets' must be a JSON object"),
        ({"levels": LEVELS}, "'sets': 'method' is missing"),
        ({**SETS, "method": "adaptive"}, "'method' 'adaptive' is not 'class-conditional'"),
        ({"method": "class-conditional"}, "'sets': 'levels' is missing"),
        ({**SETS, "levels": {}}, "'levels' must list at least one"),
        ({**SETS, "levels": {"1": [0, 0, 0]}}, "'1' is no level of its own between 0 and 1"),
        ({**SETS, "levels": {"most": [0, 0, 0]}}, "'most' is no level"),
        ({**SETS, "levels": {"nan": [0, 0, 0]}}, "'nan' is no level"),
        ({**SETS, "levels": {"0.9": [0] * 3, "0.90": [0] * 3}}, "'0.90' is no level of its own"),
        ({**SETS, "levels": {"0.9": [0.1, 0.2]}}, "0.9: must give each class a probability"),
        ({**SETS, "levels": {"0.9": 0.1}}, "0.9: must give each class a probability"),
        ({**SETS, "levels": {"0.9": [0.1, 0.2, "x"]}}, "needs a number '0.9'"),
        ({**SETS, "levels": {"0.9": [0.1, 0.2, True]}}, "needs a number '0.9'"),
        ({**SETS, "levels": {"0.9": [0.1, 0.2, 1.5]}}, "0.9: probabilities lie in 0..1"),
        ({**SETS, "levels": {"0.9": [0.1, 0.2, float("nan")]}}, "'0.9' must be finite"),
    ],
)
def test_sets_that_are_none(sets, message):
    with pytest.raises(CardError, match=re.escape(message)):
        Heads.parse([{**KINDS, "sets": sets}])


def test_names_that_sets_cannot_hold():
    with pytest.raises(CardError, match="has ';' in its name"):
        Heads.parse([{**WITH, "names": ["a;b", "c", "d"]}])
    with pytest.raises(CardError, match="the column 'label_set', which is that of kind"):
        Heads.parse([WITH, {"kind": "quantity", "name": "label_set", "output": "t"}])


def test_a_classifier_gives_the_sets_that_it_is_asked_for(tmp_path):
    folder = bundle_of(tmp_path / "m", [WITH, SIGNS])
    usual, none, wide = (Classifier(folder, sets=sets) for sets in ("auto", None, 0.8))
    assert (usual.sets, none.sets, wide.sets) == (0.9, None, 0.8)
    result = usual.classify(galaxy())
    expected = {name for name, least in zip(KINDS["names"], LEVELS["0.9"], strict=True)
                if result.probabilities[name] >= least}  # fmt: skip
    assert set(result.label_set) == expected | {result.label}
    assert result.label_set[0] == result.label
    assert result.as_row()["label_set"] == ";".join(result.label_set)
    assert list(result.as_row()) == [column.name for column in columns(usual.heads)]
    plain = none.classify(galaxy())
    assert plain.label_set == ()
    assert "label_set" not in plain.as_row()
    assert plain.probabilities == result.probabilities
    failed = usual.classify(b"nothing")
    assert failed.label_set == ()
    assert failed.as_row()["label_set"] is None


def test_a_card_without_the_level_has_no_column_or_refuses(tmp_path):
    without = Model.load(bundle_of(tmp_path / "a", [KINDS]))
    assert Classifier(without).sets is None
    with pytest.raises(ValueError, match=r"card has no label sets; .* training calibrate"):
        Classifier(without, sets=0.9)
    entry = {**KINDS, "sets": {**SETS, "levels": {"0.5": [0, 0, 0]}}}
    other = Model.load(bundle_of(tmp_path / "b", [entry]))
    assert Classifier(other).sets is None
    with pytest.raises(ValueError, match=r"sets 0\.9: the model has label sets at 0\.5; take one"):
        Classifier(other, sets=0.9)


def test_the_command_line(tmp_path, galedge):
    fits_file = tmp_path / "one.fits"
    write_fits(fits_file, galaxy())
    for value, name in (("0.95", "label_set"), ("none", "p_E")):
        done = galedge("classify", fits_file, "--json", "--sets", value)
        assert done.returncode == 0, done.stderr
        assert list(json.loads(done.stdout))[10] == name
    done = galedge("classify", fits_file, "--sets", "0.93")
    assert done.returncode == 2
    assert "the model has label sets at 0.8, 0.9, 0.95; take one of these" in done.stderr
    for wrong in ("1.5", "0", "some", "nan"):
        done = galedge("classify", fits_file, "--sets", wrong)
        assert done.returncode == 2
        assert "is no level such as 0.9, nor none" in done.stderr


def test_the_shipped_model_keeps_its_answers_and_says_a_prior():
    model = Model.load()
    head = model.heads.classes
    assert model.heads.levels[:3] == (0.8, 0.9, 0.95)
    assert sum(head.prior) == pytest.approx(1, abs=1e-3)
    # A higher level takes no class out of a set.
    for low, high in zip(head.sets.levels, head.sets.levels[1:], strict=False):
        assert all(b <= a for a, b in zip(low[1], high[1], strict=True))
