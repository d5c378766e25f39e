"""Commands, and options in groups: a command takes one object for each group.

A group is a frozen dataclass, which nothing compares or prints, as help would wait for
what lets it. Each of its fields is made by `setting`, which holds the option that gives
it its value, so that an option has one place. `takes` gives a command the options of a
group, and their values as one object of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from galedge.support.places import either
from galedge.support.say import printable

__all__ = ["Command", "Number", "Option", "Whole", "command", "setting", "takes"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_CONFIG = "galedge.config"  # the file that options came from
_FEW = 10  # options that need no headings
_WIDE = 26  # of names in the help's first column; longer ones have a line for themselves


class Whole(click.IntRange):
    """Whole numbers of a range, that the core can count to."""

    name = "whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that was given."""
        if (found := super().convert(value, param, ctx)) >= 1 << 31:
            self.fail(f"{found} is too large.", param, ctx)
        return found


class Number(click.FloatRange):
    """Numbers of a range, which NaN, beyond no bound, is not in."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that was given."""
        if not math.isfinite(found := super().convert(value, param, ctx)):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return found


class Option(click.Option):
    """An option that knows its section of the help, and in which form it was given.

    Parameters
    ----------
    declarations : sequence of str
        As for `click.Option`.
    section : str
        Its heading in the help of a command with many options.
    form : function of a value, optional
        Which of the words of its ``metavar`` a value is. Default: the only one.
    names : function, optional
        Returns names from the place that has them, for ``{names}`` in ``metavar`` and
        ``help``; called when help is shown, as it may import much.
    attributes
        As for `click.Option`.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        section: str,
        form: Callable[[Any], str] | None = None,
        names: Callable[[], Sequence[str]] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(declarations, **attributes)
        self.section = section
        self.form = form or (lambda value: self.metavar or "")
        self.names = names

    def get_help_record(self, context: click.Context) -> tuple[str, str] | None:
        """Return the option's two columns in the help."""
        if self.names is not None:
            names, self.names = self.names(), None
            self.metavar = (self.metavar or "").format(names="|".join(names))
            self.help = (self.help or "").format(names=either(names))
        return super().get_help_record(context)


def setting(*declarations: str, default: Any = None, **attributes: Any) -> Any:
    """Return a field of a group, with the option or argument that gives it its value.

    Parameters
    ----------
    declarations : str
        Of the option, ``-o``, ``--output``; of none of them an argument is made.
    default
        Of the field, also where a command does not have the option, and of the option.
    attributes
        As for `Option` or `click.Argument`.
    """
    if declarations and default is not None:
        choice = isinstance(attributes.get("type"), click.Choice)
        attributes["default"] = str(default) if choice else default  # choices are texts
    return field(default=default, metadata={"option": (declarations, attributes)})


def takes(
    group: type[Any], *names: str, without: Sequence[str] = (), **changes: Mapping[str, Any]
) -> Callable[[_Function], _Function]:
    """Give a command a group of options, and their values as one object.

    Parameters
    ----------
    group : type
        A dataclass of fields made by `setting`. The command takes an argument by
        its name in lower case.
    names : str
        Fields whose options the command has. Default: all; the others have their
        default.
    without : sequence of str
        Fields whose options it has not.
    changes : mapping
        By field, what the option has otherwise in this command.
    """
    chosen = [each for each in fields(group) if each.name in (names or _names(group))]
    chosen = [each for each in chosen if each.name not in without]
    assert {*names, *without, *changes} <= _names(group)

    def give(function: _Function) -> _Function:
        @functools.wraps(function)
        def gathered(*args: Any, **given: Any) -> Any:
            values = {each.name: given.pop(each.name) for each in chosen}
            return function(*args, **given, **{group.__name__.lower(): group(**values)})

        decorated: Any = gathered
        for each in reversed(chosen):
            assert each.default is not MISSING
            declarations, attributes = each.metadata["option"]
            attributes = attributes | dict(changes.get(each.name, {}))
            if declarations:
                attributes = {"cls": Option, "section": group.SECTION} | attributes
                decorated = click.option(each.name, *declarations, **attributes)(decorated)
            else:
                decorated = click.argument(each.name, **attributes)(decorated)
        return decorated  # type: ignore[no-any-return]

    return give


def _names(group: type[Any]) -> set[str]:
    return {each.name for each in fields(group)}


class Command(click.Command):
    """A command whose options follow `galedge.cli.rules`, and whose help tells them."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the command line, and refuse options that do not go together."""
        from galedge.cli import rules

        try:
            rest = super().parse_args(context, args)
        except click.BadParameter as error:
            name = error.param and error.param.name
            if not name or context.get_parameter_source(name) is not ParameterSource.DEFAULT_MAP:
                raise
            told = f"{context.meta[_CONFIG]}: {error.message}"
            raise click.BadParameter(told, error.ctx, error.param) from None
        if not context.resilient_parsing:
            rule = rules.broken(self.has, lambda spelling: self._was_given(context, spelling))
            if rule is not None:
                raise click.UsageError(rules.sentence(rule), context)
        return rest

    def has(self, spelling: str) -> bool:
        """Tell whether a rule's spelling is an option of this command, or itself."""
        return spelling == f"galedge {self.name}" or self._parameter(spelling) is not None

    def _parameter(self, spelling: str) -> click.Parameter | None:
        option, _, form = spelling.partition(" ")
        for each in self.params:
            words = (each.metavar or "").strip("[].").split("|")
            if option in each.opts and (not form or form in words):
                return each
            if isinstance(each, click.Argument) and option == words[0]:
                return each
        return None

    def _was_given(self, context: click.Context, spelling: str) -> bool:
        each = self._parameter(spelling)
        if each is None:
            return self.has(spelling)
        assert each.name is not None
        value, source = context.params.get(each.name), context.get_parameter_source(each.name)
        # A configuration may say false: that is as if it said nothing; 0 is a plane.
        if value is None or value is False or value == () or source is ParameterSource.DEFAULT:
            return False
        form = spelling.partition(" ")[2]
        return not form or not isinstance(each, Option) or each.form(value) == form

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in sections, then what goes with what."""
        from galedge.cli import rules

        parameters = [each for each in self.get_params(context) if isinstance(each, click.Option)]
        sections: dict[str, list[tuple[str, str]]] = {}
        common: list[tuple[str, str]] = []
        for each in parameters:
            record = each.get_help_record(context)
            if record is None:
                continue
            if isinstance(each, Option) and len(parameters) > _FEW:
                sections.setdefault(each.section, []).append(record)
            else:
                common.append(record)
        sections["Options"] = common
        told = rules.that_concern(self.has)
        sections["What goes with what"] = [(", ".join(r.options), r.phrase()) for r in told]
        names = [name for lines in sections.values() for name, _ in lines]
        width = max(len(name) for name in names if len(name) <= _WIDE)
        for section, lines in sections.items():
            if lines:
                with formatter.section(section):
                    formatter.write_dl([(name.ljust(width), text) for name, text in lines])


def _configure(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Take defaults from a file, for the options after this eager one."""
    if value is None or context.resilient_parsing:
        return
    from galedge.support.config import read_config

    assert context.info_name is not None
    names = {_key(each): each for each in context.command.params if each is not option}
    settings = read_config(value, context.info_name, names)
    for name, setting in settings.items():
        several = names[name].nargs == -1 or names[name].multiple
        if isinstance(setting, dict) or isinstance(setting, list) != several:
            wanted = "a list" if several else "one value"
            raise click.UsageError(f"{printable(value)}: {name.replace('_', '-')} must be {wanted}")
    context.meta[_CONFIG] = printable(value)
    context.default_map = {str(names[name].name): value for name, value in settings.items()}


def _key(parameter: click.Parameter) -> str:
    """Return what a parameter is called in a configuration: as on the command line."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len).lstrip("-").replace("-", "_")
    assert parameter.name is not None
    return parameter.name


def command(function: Callable[..., None]) -> Command:
    """Make a function a command, with the option ``--config``."""
    config = click.Option(
        ["--config"],
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_configure,
        help="Take options from this TOML file; those given here come before it.",
    )
    made = click.command(cls=Command)(function)
    made.params.append(config)
    return made
