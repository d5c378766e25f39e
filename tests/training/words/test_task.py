"""Tasks: what a file may hold, what it is made of the data, and what is refused in which words."""

import json
from pathlib import Path

import pytest

from galedge.network.heads import Heads
from training.words.card import entries, readable
from training.words.derive import completed, of_column
from training.words.fields import TaskError
from training.words.heads import Classes, Labels, Quantity
from training.words.hubble import HUBBLE
from training.words.task import Task

KIND = {"kind": "classes", "name": "kind", "names": ["a", "b"]}
SIZE = {"kind": "quantity", "name": "size", "range": [0, 10], "bins": 11}
MARKS = {"kind": "labels", "name": "marks", "names": ["bar", "ring"]}


def test_a_task_is_what_its_json_says():
    told = json.loads(json.dumps(HUBBLE.to_json()))
    assert Task.from_json(told) == HUBBLE
    assert HUBBLE.layers == {"hubble": 7, "t_bins": 17, "attributes": 18}
    assert HUBBLE.binned(HUBBLE.classes) is HUBBLE.quantity
    made = Task(name="made", heads=(Labels(name="one", names=("x",)),))
    assert made.to_json()["heads"] == [
        {"kind": "labels", "name": "one", "output": "one", "layer": "one_labels", "names": ["x"]}
    ]


def test_a_file_is_toml_or_json(tmp_path):
    (tmp_path / "zoo.toml").write_text(
        '[[heads]]\nkind = "classes"\nname = "kind"\nvalues = {"0" = "E", "9" = ""}\n'
    )
    (tmp_path / "zoo.json").write_text(
        '{"name": "other", "heads": [{"kind": "classes", "name": "kind", "values": {"0": "E"}}]}'
    )
    first, second = (Task.read(tmp_path / name) for name in ("zoo.toml", "zoo.json"))
    assert (first.name, second.name) == ("zoo", "other")
    assert first.classes.values == {"0": "E", "9": None}
    assert first.classes.column == "kind"


def test_what_a_file_leaves_open_the_data_tell():
    task = Task(name="zoo", heads=(Classes(name="kind", values={"9": None}), Quantity(name="size")))
    rows = [
        {"file": "1", "kind": "merger", "code": "5", "size": "2"},
        {"file": "2", "kind": "disk", "code": "1", "size": "7"},
        {"file": "3", "kind": "9", "code": "9", "size": ""},
    ]
    done = completed(task, rows, "zoo")
    assert done.classes.names == ("disk", "merger")  # by their codes
    assert done.quantity.range == (2, 7)
    assert done.quantity.usual == pytest.approx(0.8 * 5 / 19)
    numbers = [{"stage": text} for text in ("10", "2", "2", "1")]
    assert of_column("zoo", numbers, "stage", "zoo").classes.names == ("1", "2", "10")


def test_a_card_of_a_task_is_one_that_galedge_reads():
    fitted = {
        "hubble": {"temperature": 1.5, "temperature_slope": 0.2},
        "t_type": {"sigma_scale": 2},
    }
    heads = Heads.parse(entries(HUBBLE, fitted, {"hubble": {"prior": [1 / 7] * 7}}, pooled=512))
    assert (heads.classes.temperature, heads.classes.temperature_by) == (1.5, "t_type")
    assert heads.quantity.sigma_scale == 2
    assert heads.labels.names == ("bar", "arms", "clockwise", "edge_on", "disturbed")
    assert heads["embedding"].shape == (512,)
    task = Task.from_json({"name": "two", "heads": [KIND, {**KIND, "name": "more"}]})
    assert Heads.parse(entries(task)).classes.name == "kind"


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([], "has no heads"),
        ([{**KIND, "kind": "class"}], "'kind' must be one of classes, quantity, labels"),
        ([{**KIND, "colum": "x"}], "head 'kind': 'colum' is none of .*; did you mean 'column'"),
        ([{"kind": "labels", "name": "marks"}], "head 'marks': 'names' is missing"),
        ([{**KIND, "names": "a"}], "'names' must be a list of texts, not 'a'"),
        ([{**KIND, "weight": True}], "'weight' must be a number, not True"),
        ([{**KIND, "weight": 0}], "its weight must be positive, not 0"),
        ([{**KIND, "name": "My kind"}], "must be small letters, digits and underscores"),
        ([{**KIND, "names": ["a"]}], "'names' must be two or more different names"),
        ([{**KIND, "values": {"0": "c"}}], "head 'kind': 'c' is none of a, b"),
        ([{**KIND, "mirror": {"a": "c"}}], "head 'kind': 'c' is none of a, b"),
        ([{**KIND, "shares": {"a": "p"}}], "'shares' must name a column for each of 'names'"),
        ([{**KIND, "column": "x", "of": "size"}], "learns from one of 'column', 'shares' and 'of'"),
        ([{**KIND, "of": "size", "upto": [1]}], "'of' wants 'upto', a number for each"),
        ([{**KIND, "of": "size", "upto": [2, 1]}], "'upto' must ascend"),
        ([{**KIND, "of": "marks", "upto": [1, 2]}, MARKS], "'marks', which it is 'of', is no quan"),
        ([{**SIZE, "range": [3, 1]}], "'range' must be two numbers, the smaller one first"),
        ([{**SIZE, "bins": 1}], "'bins' must be 2 or more, not 1"),
        ([{**SIZE, "limits": ["lo"]}], "takes two columns as 'limits', or one as 'error'"),
        ([{**MARKS, "denies": ["bar"]}], "'denies': 'bar' is none of nothing"),
        ([KIND, {**MARKS, "excludes": {"bar": ["c"]}}], "'excludes': 'c' is none of a, b"),
        ([KIND, KIND], "two heads have the name 'kind'"),
        ([KIND, {**SIZE, "output": "kind"}], "two heads have the output 'kind'"),
        ([{**KIND, "primary": True}, {**KIND, "name": "b", "primary": True}], "are both primary"),
        ([{**KIND, "name": "embedding"}], "'embedding' is a name of galedge's own"),
    ],
)
def test_what_is_no_task_is_refused_in_a_sentence(heads, said, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "heads": heads}))
    with pytest.raises(TaskError, match=said) as error:
        Task.read(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("name", "text"), [("x.json", "{"), ("x.toml", "a = "), ("no.json", None)])
def test_a_file_that_is_none_is_named(name, text, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(TaskError, match=rf"{name}: (not JSON|not TOML|No such file)"):
        Task.read(tmp_path / name)


def test_two_heads_never_fill_one_column():
    same = {**MARKS, "names": ["a", "c"]}
    readable(Task.from_json({"name": "fine", "heads": [KIND, same]}))  # p_marks_a beside p_a
    with pytest.raises(TaskError, match=r"task 'bad': .* column 'p_a'"):
        readable(Task.from_json({"name": "bad", "heads": [KIND, {**same, "primary": True}]}))


def test_the_readmes_task_is_one(tmp_path):
    lines = (Path(__file__).parents[3] / "training" / "README.md").read_text().splitlines()
    low, high = (
        lines.index(line)
        for line in ('    name = "zoo"', "and these are the commands, five minutes on one core:")
    )
    more = lines.index("    [[heads]]", high)
    end = next(i for i in range(more, len(lines)) if lines[i] and not lines[i].startswith("    "))
    path = tmp_path / "zoo.toml"
    path.write_text("\n".join(lines[low:high] + lines[more:end]))
    task = Task.read(path)
    readable(task)
    assert [head.name for head in task.heads] == ["kind", "features", "size", "extent"]
    assert task.heads[1].values["spiral"]["merger"] is None
