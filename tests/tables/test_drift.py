"""Drift: rows that are not as in a reference, and those that are."""

import numpy as np
import pytest

from galedge.errors import GaledgeError
from galedge.tables.drift import Monitor, changes, is_change
from galedge.tables.readtable import read_table
from galedge.tables.reference import Reference


def night(number, seed, shift=0.0, sky=100.0, shares=(0.3, 0.5, 0.2), **cells):
    """Return rows as of classify."""
    random = np.random.default_rng(seed)
    labels = random.choice(["E", "Sb", "Irr"], number, p=shares)
    return [
        {
            "path": f"{i}.fits",
            "ra": float(i),
            "label": str(label),
            "p_E": float(random.uniform()),
            "t_type": float(random.normal(shift, 2)),
            "t_type_error": 1.0,
            "typicality": float(random.uniform()),
            "flags": "small" if random.random() < 0.2 else "",
            "sky": float(random.normal(sky, 10)),
            "status": "ok",
            "magnitude": float(i),
        }
        | cells
        for i, label in enumerate(labels)
    ]


REFERENCE = Reference.of_rows("usual.csv", night(1000, 1))


def test_columns_are_those_that_tell_of_a_camera_or_a_sky():
    # Neither positions, nor errors, nor what a list had.
    assert list(REFERENCE.columns) == ["label", "p_E", "t_type", "typicality", "flags", "sky"]


def watched(rows):
    monitor = Monitor(REFERENCE)
    for row in rows:
        monitor.add(row)
    return monitor


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"sky": 120.0}, "sky"),
        ({"shift": 2.0}, "t_type"),
        ({"shares": (0.05, 0.35, 0.6)}, "label"),
        ({"flags": "cropped"}, "flags"),
    ],
)
def test_a_change_is_seen_within_a_hundred_rows(change, column):
    monitor = watched(night(100, 2, **change))
    assert monitor.columns == column
    assert monitor.sentence().startswith("drift: after ")
    assert f"not as in usual.csv: {column} (" in monitor.sentence()


def test_a_change_in_the_middle_of_a_night_is_seen_within_a_hundred_rows():
    monitor = watched([*night(600, 2), *night(100, 3, sky=125.0)])
    assert (monitor.columns, monitor.rows) == ("sky", 700)
    assert 600 < monitor.changes[0].rows <= 700


def test_each_column_is_told_once():
    monitor = Monitor(REFERENCE)
    told = [change for row in night(800, 2, sky=150.0) for change in monitor.add(row)]
    assert [change.column for change in told] == ["sky"]


def test_one_night_in_a_hundred_has_a_false_alarm():
    random = np.random.default_rng(6)
    pool = night(4000, 7)
    alarms = 0
    for _ in range(150):
        rows = [pool[i] for i in random.permutation(4000)[:900]]
        monitor = Monitor(Reference.of_rows("usual", rows[:500]))
        for row in rows[500:]:
            monitor.add(row)
        alarms += bool(monitor.changes)
    assert alarms <= 5  # of 1 %, more come once in two hundred


def test_small_changes_of_many_rows_do_not_matter():
    monitor = watched(night(6000, 2, shift=0.25))
    assert monitor.changes == []
    (found,) = (
        one for one in changes(REFERENCE, night(6000, 2, shift=0.25)) if one.column == "t_type"
    )
    assert found.difference.p < 1e-3
    assert not is_change(found, 6)


def test_a_sentence_says_of_three_columns_how_and_of_the_rest_which():
    usual = [{f"c{i}": value for i in range(5)} for value in np.linspace(0, 1, 200)]
    monitor = Monitor(Reference.of_rows("usual.csv", [{**row, "flags": ""} for row in usual]))
    for row in usual:
        monitor.add({**{name: value + 5 for name, value in row.items()}, "flags": ""})
    assert monitor.sentence().count("(median") == 3
    assert monitor.sentence().endswith("; and in c3, c4")


def test_a_long_night_keeps_few_values():
    monitor = watched(night(26_000, 2))
    kept = [*monitor._fresh._values.values(), *(one._shown for one in monitor._watched.values())]
    assert max(map(len, kept)) <= 100
    assert monitor.changes == []
    for row in night(100, 3, sky=130.0):
        monitor.add(row)
    assert monitor.columns == "sky"


def test_what_is_of_a_file_counts_once_for_all_its_rows():
    frame = night(400, 2, path="frame.fits", sky=100.0)
    for row in frame:
        row["sky"] = 131.0  # one sky, however many sources: no more than one draw
    assert watched(frame).changes == []


def test_errors_and_missing_cells():
    rows = night(60, 2)
    rows += [{"path": "bad", "status": "error", "error": "no image"}] * 500
    rows += [{**row, "t_type": None, "sky": float("nan")} for row in night(40, 3)]
    monitor = watched(rows)
    assert (monitor.rows, monitor.changes) == (100, [])
    assert monitor.add({"path": "x", "status": "ok"}) == []  # a row that lacks columns


def test_a_summary_is_as_good_as_its_table():
    again = Reference.from_json("hubble-2", REFERENCE.to_json())
    for shift in (0.0, 1.5):
        rows = night(100, 4, shift=shift)
        for one in changes(REFERENCE, rows):
            (other,) = (each for each in changes(again, rows) if each.column == one.column)
            assert other.difference.size == pytest.approx(one.difference.size, abs=0.011)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {},
        {"columns": {"t_type": {"number": 3, "quantiles": [1.0]}}},
        {"columns": {"t_type": {"number": True, "quantiles": [1.0]}}},
        {"columns": {"t_type": {"number": 900, "quantiles": ["a"]}}},
        {"columns": {"t_type": {"number": 900, "quantiles": []}}},
        {"columns": {"label": {"number": 900, "shares": {"E": -1}}}},
        {"columns": {"label": {"number": 900}}},
    ],
)
def test_what_is_no_summary_is_refused(fields):
    with pytest.raises(ValueError, match="'reference'"):
        Reference.from_json("x", fields)


def test_digits_that_a_table_lacks_are_no_change(tmp_path):
    random = np.random.default_rng(8)
    rows = [
        row | {"p_E": 1 - 1e-5 * random.uniform(), "sky": 100 + 1e-4 * random.normal()}
        for row in night(400, 1)
    ]
    printed = [
        row | {"p_E": round(row["p_E"], 4), "sky": float(f"{row['sky']:.6g}")} for row in rows
    ]
    monitor = Monitor(Reference.of_rows("t.csv", printed[:300]))
    for row in rows[300:]:
        monitor.add(row)
    assert monitor.changes == []


def test_too_few_rows_are_refused():
    with pytest.raises(GaledgeError, match=r"usual\.csv: has 12 rows with answers, too few"):
        Reference.of_rows("usual.csv", night(12, 1))
    with pytest.raises(GaledgeError, match="3 rows with answers: too few"):
        changes(REFERENCE, night(3, 1))


def test_a_night_is_a_table(tmp_path):
    path = tmp_path / "n.jsonl"
    path.write_text('{"path": "a", "sky": 1.5}\n{"path": "b", "t_type": 2}\n{"path": "c", "sk')
    table = read_table(path)
    assert {name: column.cells for name, column in table.columns.items()} == {
        "path": ["a", "b"],
        "sky": [1.5, None],
        "t_type": [None, 2],
    }
    path.write_text("{}\n[]\n")
    with pytest.raises(GaledgeError, match=r"n\.jsonl: line 2 is no JSON object"):
        read_table(path)
