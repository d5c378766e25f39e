"""Lists of what the code has by name, as Markdown; each function is one that a page asks for."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

import galedge
from galedge import errors as tree
from galedge.answers import bands, measure, structure
from galedge.answers.result import columns as columns_of
from galedge.cli import cli
from galedge.cli.bundles import describe_models
from galedge.cli.rules import RULES, Rule, that_concern
from galedge.frames import field
from galedge.frames.points import seen_columns
from galedge.images import facts
from galedge.network.heads import kinds
from galedge.network.model import find_card
from galedge.nights.nightlog import EXTRA_COLUMNS
from galedge.tables.columns import Column, known

__all__ = [
    "columns",
    "commands",
    "errors",
    "flags",
    "heads",
    "models",
    "options",
    "python",
    "rules",
]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _coded(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are Markdown already; `head` has its titles between bars."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {head} |", f"|{'---|' * (head.count('|') + 1)}", *lines])


def _classified() -> list[Column]:
    return columns_of(find_card().heads.asked_for("auto"))


def _beside(some: list[Column], those: list[Column]) -> list[Column]:
    return [column for column in some if column not in those]


def tables() -> dict[str, list[Column]]:
    """Return the columns by the word that asks for them."""
    return {
        "classify": _classified(),
        "frames": _beside(seen_columns(_classified()), _classified()),
        "watch": known([*EXTRA_COLUMNS, "drift"]),
        "measure": _beside(known(measure.COLUMNS), _classified()),
    }


def columns(which: str) -> str:
    """Return the columns of a table: name, type, unit, UCD and what it holds."""
    rows = (
        (_coded(c.name), c.type or "", c.unit, _coded(c.ucd), _cell(c.description))
        for c in tables()[which]
    )
    return _table("column | type | unit | UCD | what it holds", rows)


#: Flags that no table of the code has, as one place alone gives them.
ALONE = {
    "atypical": "fewer of the galaxies that the model knows are less usual than its card allows",
    bands.MISSING: "with `--bands` of a pattern: a band is missing, and one was classified alone",
}


def all_flags() -> dict[str, dict[str, str]]:
    """Return the flags with what each means, by the word that asks for them."""
    return {
        "images": facts.FLAGS | ALONE,
        "frames": field.FLAGS,
        "measure": structure.FLAGS,
    }


def flags(which: str) -> str:
    """Return the flags of a kind of row."""
    return _table("flag | meaning", ((_coded(k), v) for k, v in all_flags()[which].items()))


def _entries() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli, info_name="galedge")
    for name in cli.list_commands(context):
        entry = cli.get_command(context, name)
        assert entry is not None
        yield name, entry


def options(name: str) -> str:
    """Return the options of a command by the sections of its help, and what goes with what."""
    command = dict(_entries())[name]
    context = click.Context(command, info_name=name)
    sections: dict[str, list[tuple[str, str]]] = {}
    for each in command.params:
        if isinstance(each, click.Option):
            section = getattr(each, "section", "Further options")
            record = each.get_help_record(context)
            if record is not None:
                names, text = record
                sections.setdefault(section, []).append((_coded(names), _cell(text)))
    head = "option | meaning"
    parts = [f"**{title}**\n\n{_table(head, rows)}" for title, rows in sections.items()]
    has = getattr(command, "has", lambda spelling: False)
    ruled = list(that_concern(has))
    if ruled:
        parts.append(f"**What goes with what**\n\n{_table(head, map(_told, ruled))}")
    return "\n\n".join(parts)


def _told(rule: Rule) -> tuple[str, str]:
    phrase, colon, because = rule.phrase().partition(": ")
    for other in sorted(rule.others, key=len, reverse=True):
        phrase = re.sub(rf"(?<![\w`-]){re.escape(other)}(?![\w`-])", f"`{other}`", phrase)
    return ", ".join(map(_coded, rule.options)), f"{_cell(phrase)}{colon}{_cell(because)}"


def rules() -> str:
    """Return what goes with what, of all commands."""
    return _table("option | ", map(_told, RULES))


def commands() -> str:
    """Return a section for every command: how it is called, what it does, its options."""
    parts = []
    for name, command in _entries():
        arguments = " ".join(
            each.make_metavar(click.Context(command))
            for each in command.params
            if isinstance(each, click.Argument)
        )
        usage = f"```text\ngaledge {name} [OPTIONS] {arguments}".rstrip() + "\n```"
        told = inspect.cleandoc(command.help or "")
        parts.append(f"## {name}\n\n{usage}\n\n{told}\n\n{options(name)}")
    return "\n\n".join(parts)


def errors() -> str:
    """Return what can go wrong: the errors, of which each is also those above it."""
    found = [getattr(tree, name) for name in tree.__all__]
    rows = (
        (_coded(each.__name__), _coded(each.__base__.__name__), _cell(each.__doc__ or ""))
        for each in sorted(found, key=lambda each: [base.__name__ for base in each.__mro__[::-1]])
    )
    return _table("error | is a | meaning", rows)


# Public names beside those of galedge itself, and what these return.
_FACES = ("image", "background", "scale.dask", "nights.adapters")
_RETURNED = (
    "images.prepare.Batch",
    "images.facts.Facts",
    "images.inputs.Rejected",
    "tuning.tune.Tuned",
    "tuning.learn.Learned",
)


def python() -> str:
    """Return what asks autodoc for every public name."""
    everything = {name: getattr(galedge, name) for name in galedge.__all__}
    raised = [name for name in everything if name in tree.__all__]
    said = {name: value for name, value in everything.items() if name not in raised}
    parts = [*_section("Functions and classes", "galedge", said), "## What they return"]
    parts += [_auto("class", f"galedge.{name}", "members") for name in _RETURNED]
    for face in _FACES:
        module = importlib.import_module(f"galedge.{face}")
        known = {name: getattr(module, name) for name in module.__all__}
        said = {name: value for name, value in known.items() if name not in everything}
        parts += _section(module.__name__, module.__name__, said)
    parts.append("## Errors")
    parts += [_auto("exception", f"galedge.{name}", "show-inheritance") for name in raised]
    return "\n\n".join(parts)


def _section(title: str, module: str, names: dict[str, Any]) -> Iterator[str]:
    yield f"## {title}"
    for name, value in names.items():
        if inspect.isclass(value):
            yield _auto("class", f"{module}.{name}", "members")
    for name, value in names.items():
        if inspect.isroutine(value):
            yield _auto("function", f"{module}.{name}")


def _auto(kind: str, name: str, *flags: str) -> str:
    lines = [f".. auto{kind}:: {name}", *(f"   :{flag}:" for flag in flags)]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```"


def heads() -> str:
    """Return the kinds of heads that a card may list."""
    rows = (
        (_coded(kind), _cell(inspect.cleandoc(head.__doc__ or "").partition("\n\n")[0]))
        for kind, head in kinds().items()
    )
    return _table("`kind` | what it is", rows)


def models() -> str:
    """Return what ``galedge models`` prints."""
    lines = describe_models().splitlines()
    here = [line for line in lines if not line.startswith("  folder ")]  # of whoever builds this
    return "\n".join(["```text", *here, "```"])
