"""CSV: a row printed as one gives what its cells printed one by one give."""

import csv
import io
import itertools

import pytest

from galedge.tables.cells import plain, printed
from galedge.tables.columns import Column
from galedge.tables.formats.csv import Csv

CELLS = [None, "", "a", "a,b", 'q"x', "l\nm", "r\rs", "nan", "inf x", "ü", " x "]
CELLS += [1, -5, 10**20, True, 1.5, -0.0, 1e-300, float("nan"), float("inf"), -float("inf")]
COLUMNS = [Column("one", digits="%.3f"), Column("two"), Column("three", digits="%.6g")]


def one_by_one(rows):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.name for column in COLUMNS])
    for row in rows:
        writer.writerow([printed(plain(v), c.digits) for v, c in zip(row, COLUMNS, strict=True)])
    return file.getvalue().encode()


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_any_cells(order):
    rows = list(itertools.product(CELLS, repeat=3))[::order]
    file = io.BytesIO()
    table = Csv(file, COLUMNS)
    for row in rows:
        table.write({c.name: value for c, value in zip(COLUMNS, row, strict=True)})
    assert file.getvalue() == one_by_one(rows)


def test_a_table_of_one_column():
    file = io.BytesIO()
    table = Csv(file, COLUMNS[:1])
    for value in ("a", "", 1.0):
        table.write({"one": value})
    assert file.getvalue() == b'one\na\n""\n1.000\n'
