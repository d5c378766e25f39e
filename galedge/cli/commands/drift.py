"""``galedge drift``."""

from __future__ import annotations

import json

import click

from galedge.cli import options
from galedge.cli.settings import Writing
from galedge.support.say import print_text

__all__ = ["drift"]


@options.command
@click.argument("reference", metavar="REFERENCE")
@click.argument("table", metavar="TABLE")
@options.takes(Writing, "json", json={"help": "JSON lines: one object a column."})
def drift(reference: str, table: str, writing: Writing) -> None:
    """Compare two tables of classify or watch: what is not as it was.

    One line for each column that both have, the surest change first; what has
    changed is marked. Such a change comes by chance once in a hundred pairs of tables.
    """
    from galedge.cli.drifting import reference_in
    from galedge.errors import GaledgeError
    from galedge.tables.drift import changes, is_change
    from galedge.tables.readtable import read_table
    from galedge.tables.reference import Reference, rows_of

    before = reference_in(reference)
    after = read_table(table)
    both = {name: its for name, its in before.columns.items() if name in after.columns}
    try:
        found = changes(Reference(before.name, both), rows_of(after))
    except GaledgeError as error:
        raise GaledgeError(f"{table}: {error}") from None
    if not found:
        raise GaledgeError(f"{table}: has no column to compare with those of {reference}")
    if not writing.json:
        print_text(f"{'column':18} {'apart':>6} {'by chance':>10}  was, is")
    for change in found:
        size, p, was, now = change.difference
        changed = is_change(change, len(found))
        if writing.json:
            told = {"column": change.column, "apart": round(size, 4), "p": p}
            told |= {"was": was, "is": now, "changed": changed}
            print_text(json.dumps(told))
        else:
            mark = "  changed" if changed else ""
            print_text(f"{change.column:18} {size:6.3f} {p:10.2g}  {was}, {now}{mark}")
