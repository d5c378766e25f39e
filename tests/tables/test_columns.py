"""The columns: all known, and documented as they are defined."""

from pathlib import Path

import pytest
from helpers.made import CLASSES, heads_of
from website import filled

from galedge.answers.measure import COLUMNS as MEASURED
from galedge.answers.result import columns
from galedge.frames.points import seen_columns
from galedge.network.model import find_card
from galedge.nights import nightlog
from galedge.tables.columns import COLUMNS, Column, known

FEATURES = ("bar", "arms", "clockwise", "edge_on", "disturbed")
HEAD_COLUMNS = find_card().heads.columns
WATCHED = (*nightlog.EXTRA_COLUMNS, "drift")
CLASSIFIED = {column.name: column for column in columns(heads_of(CLASSES, FEATURES))}
SEEN = {column.name for column in seen_columns(list(CLASSIFIED.values()))} - set(CLASSIFIED)
PAGE = Path(__file__).parents[2] / "docs/reference/columns.md"
DOCUMENTED = filled(PAGE.read_text()).splitlines()


@pytest.mark.parametrize("name", sorted({*CLASSIFIED, *WATCHED, *MEASURED, *SEEN}))
def test_every_column_is_known(name):
    column = CLASSIFIED.get(name) or COLUMNS[name]
    assert column.name == name
    assert column.type
    assert column.ucd
    assert column.description
    assert (column.digits is not None) == column.type.startswith("float")


def test_no_column_is_known_that_no_table_has():
    assert set(COLUMNS) <= {*CLASSIFIED, *SEEN, *WATCHED, *MEASURED}


ALL = COLUMNS | {c.name: c for c in HEAD_COLUMNS if c.role != "class"}


@pytest.mark.parametrize("column", ALL.values(), ids=ALL)
def test_documented(column):
    cells = [f"`{column.name}`", column.type, column.unit, f"`{column.ucd}`", column.description]
    assert "|" + "|".join(f" {cell} " if cell else "  " for cell in cells) + "|" in DOCUMENTED


@pytest.mark.parametrize("name", sorted({*CLASSIFIED, *WATCHED, *MEASURED, *SEEN}))
def test_units_and_ucds_are_of_the_standards(name):
    units = pytest.importorskip("astropy.units")
    from astropy.io.votable.ucd import check_ucd

    column = CLASSIFIED.get(name) or COLUMNS[name]
    assert check_ucd(column.ucd, check_controlled_vocabulary=True)
    if column.unit:
        assert units.Unit(column.unit, format="vounit") == units.Unit(column.unit, format="fits")


def test_what_is_not_known():
    carried = Column("ra", unit="hourangle")
    assert known(["mag", carried]) == [Column("mag"), carried]
