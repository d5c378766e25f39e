"""What goes with what: one table, and that errors, help and documentation say the same."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

import click
import pytest
from click.testing import CliRunner
from website import filled

from galedge.answers.bands import parse_bands
from galedge.cli import cli, options
from galedge.cli.options import Command
from galedge.cli.rules import RULES, sentence, that_concern
from galedge.cli.settings import Keeping, Reading, Running, Writing
from galedge.cli.where import Where

ROOT = Path(__file__).parents[2]
CONTEXT = click.Context(cli)
COMMANDS = {name: cli.get_command(CONTEXT, name) for name in cli.list_commands(CONTEXT)}
RULED = {name: each for name, each in COMMANDS.items() if isinstance(each, Command)}

VALUES = {
    "--bands": "{name}_{g,r,i}.fits",
    "--bands FILES": "g.fits,r.fits,i.fits",
    "--columns": "x=a,y=b",
    "--gallery": "page.html",
    "--overlay": "picture.png",
    "--threshold": "3",
    "--min-area": "9",
    "--size": "32",
    "--suggest": "9",
    "--fwhm": "3",
    "--hdu": "1",
    "--hdu all": "all",
    "--plane": "0",
    "--order": "grz",
    "--prior fit": "fit",
}
CASES = [
    pytest.param(name, rule, option, other, id=f"{name}: {option}, {other}")
    for name, command in RULED.items()
    for rule in that_concern(command.has)
    for option in rule.options
    for other in (rule.others if rule.kind == "excludes" else [None])
]


def given(command: Command, spelling: str) -> list[str]:
    """Return what on a command line gives what a rule speaks of."""
    option = spelling.partition(" ")[0]
    if option in ("PATH", "QUERY"):
        return ["frame.fits"]
    if not option.startswith("-"):
        return []
    (parameter,) = [each for each in command.params if option in each.opts]
    return [option] if parameter.is_flag else [option, VALUES.get(spelling, "value")]


def refusal(name: str, arguments: list[str]) -> str:
    """Return why a command refuses its arguments; nothing is run."""
    with pytest.raises(click.UsageError) as error:
        COMMANDS[name].make_context(name, list(arguments), parent=CONTEXT)
    return error.value.format_message()


def completed(command: Command, spellings: list[str], but: tuple[str, ...]) -> list[str]:
    """Return a command line with these options and what they need, but for some."""
    rules = [rule for rule in that_concern(command.has) if rule.kind == "needs"]
    has = {f"galedge {command.name}", *spellings}
    for rule in rules * 2:  # what was added may need something, too
        fit = [other for other in rule.others if other not in but]
        if has & {*rule.options} and not has & {*rule.others} and fit:
            has.add(fit[0])
    line = [word for spelling in has for word in given(command, spelling)]
    for each in command.params:
        if isinstance(each, click.Argument) and each.required:
            line.append("x")
        elif each.required and not set(each.opts) & set(line):
            line += [each.opts[0], "out.html"]  # of a folder or a page
    return line


@pytest.mark.parametrize(("name", "rule", "option", "other"), CASES)
def test_what_breaks_a_rule_is_told_in_its_words(name, rule, option, other):
    command = RULED[name]
    without = rule.others if rule.kind == "needs" else ()
    line = completed(command, [option] if other is None else [option, other], without)
    told = sentence(rule._replace(options=(option,)))
    if (name, option) == ("cutout", "--size"):  # needs what the command itself needs
        told = "galedge cutout needs --catalog or --detect: they say which sources"
    assert refusal(name, line) == told


def test_every_spelling_is_that_of_a_command():
    for rule in RULES:
        assert rule.options
        assert rule.others
        for spelling in (*rule.options, *rule.others):
            assert any(command.has(spelling) for command in RULED.values()), spelling


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("classify", "galedge classify needs PATH or --bands: they name the images"),
        ("classify x --keep", "--keep goes with --catalog"),
        ("classify x --keep --one-based", "--one-based and --keep go with --catalog"),
        ("classify x --size 64", "--size goes with --catalog or --detect"),
        (
            "classify x --detect --catalog l.csv",
            "--catalog does not go with --detect: the sources are listed, or found",
        ),
        (
            "classify x -o t.csv --resume --write-back w --bands {name}_{g,r,i}.fits",
            "--resume and --write-back go with none of --dask, --catalog, --detect, --bands: "
            "there a row must be a whole file",
        ),
        ("classify x --resume", "--resume needs -o FILE: the table to go on with"),
        (
            "measure x --json -o t.csv",
            "--json does not go with -o FILE: it is for standard output; "
            "name a .jsonl file instead",
        ),
        (
            "cutout x -o c",
            "galedge cutout needs --catalog or --detect: they say which sources",
        ),
        (
            "watch x -o n.jsonl --quarantine-move",
            "--quarantine-move needs --quarantine FOLDER: where they are moved to",
        ),
    ],
)
def test_sentences(line, message):
    name, *arguments = line.split()
    assert refusal(name, arguments) == message


@pytest.mark.parametrize(
    "line",
    [
        "classify x --json",
        "explain x -o pictures --json",  # a table beside a folder of pictures
        "classify x --detect --threshold 3 --min-area 9 --size 64 --overlay o.png",
        "classify --bands g.fits,r.fits,i.fits --gallery g.html",
        "classify x --bands {name}_{g,r,i}.fits -o t.csv",
        "classify x -o t.csv --resume --quarantine q --quarantine-move --write-back w --verify",
        "classify x --dask tcp://a:1 -o parts",
        "classify x -o t.csv --resume --hdu all --quarantine q",
        "classify x --hdu all --detect",
        "classify x --hdu SCI --write-back w",
        "cutout --bands g.fits,r.fits,i.fits --catalog l.csv -o c",
    ],
)
def test_what_goes_together_is_taken(line):
    name, *arguments = line.split()
    COMMANDS[name].make_context(name, arguments, parent=CONTEXT)


def test_a_configuration_counts_and_its_false_does_not(tmp_path):
    config = tmp_path / "galedge.toml"
    arguments = ["x", "--config", str(config)]
    config.write_text('[classify]\nkeep = true\n[explain]\noutput = "pictures"\nclass = "E"\n')
    assert refusal("classify", arguments) == "--keep goes with --catalog"
    explained = COMMANDS["explain"].make_context("explain", list(arguments), parent=CONTEXT)
    assert (explained.params["folder"], explained.params["target"]) == ("pictures", "E")
    config.write_text("[classify]\nkeep = false\nresume = false\n")
    COMMANDS["classify"].make_context("classify", list(arguments), parent=CONTEXT)


@pytest.mark.parametrize("name", RULED)
def test_help_says_what_goes_with_what(name):
    text = " ".join(CliRunner().invoke(cli, [name, "--help"]).output.split())
    for rule in that_concern(RULED[name].has):
        assert f"{', '.join(rule.options)} {rule.phrase()}" in text


def test_the_documentation_has_the_table():
    page = (ROOT / "docs/cli.md").read_text()
    table = filled(page).partition("## What goes with what")[2].partition("\n## ")[0]
    found = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(found) == len(RULES)
    for line, rule in zip(found, RULES, strict=True):
        assert line.replace("`", "") == f"| {', '.join(rule.options)} | {rule.phrase()} |"


@pytest.mark.parametrize("group", [Keeping, Reading, Running, Where, Writing])
def test_what_is_not_given_is_a_groups_default(group):
    """So a command without an option acts as one to which it was not given."""
    context = COMMANDS["classify"].make_context("classify", ["x"], parent=CONTEXT)
    values = {each.name: context.params[each.name] for each in fields(group)}
    made = group(**values | ({"paths": ()} if group is Where else {}))
    assert asdict(made) == asdict(group())


def test_what_may_be_repeated_is_a_list_in_a_configuration(tmp_path):
    config = tmp_path / "galedge.toml"
    arguments = ["x", "-o", "page.html", "--config", str(config)]
    config.write_text('[label]\nask = ["ring", "bar=no,yes"]\n')
    given = COMMANDS["label"].make_context("label", list(arguments), parent=CONTEXT).params
    assert given["ask"] == {"ring": ["yes", "no"], "bar": ["no", "yes"]}
    config.write_text('[label]\nask = "ring"\n')
    assert refusal("label", arguments) == f"{config}: ask must be a list"


def test_a_wrong_value_in_a_configuration_is_told_with_its_file(tmp_path):
    config = tmp_path / "galedge.toml"
    config.write_text('[classify]\nworkers = "two"\n')
    said = refusal("classify", ["x", "--config", str(config)])
    assert said == f"Invalid value for '--workers': {config}: 'two' is not a valid whole number."
    said = refusal("classify", ["x", "--config", str(config), "--workers", "three"])
    assert said == "Invalid value for '--workers': 'three' is not a valid whole number."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detect", "--threshold", "nan"], "'nan' is not a valid number"),
        (["--detect", "--fwhm", "inf"], "inf"),
        (["--detect", "--min-area", "99999999999999999999"], "is too large"),
        (["--plane", "99999999999999999999"], "is too large"),
        (["--hdu", "99999999999999999999"], "is more than any file has"),
        (["--workers", "two"], "'two' is not a valid whole number"),
    ],
)
def test_numbers_that_are_none(options, message):
    with pytest.raises(click.BadParameter, match=message):
        COMMANDS["classify"].make_context("classify", ["x", *options])


def test_an_option_knows_in_which_form_it_was_given():
    (bands,) = [each for each in COMMANDS["classify"].params if each.name == "bands"]
    assert bands.form(parse_bands("g.fits,r.fits,i.fits")) == "FILES"
    assert bands.form(parse_bands("{name}_{g,r,i}.fits")) == "PATTERN"


@dataclass(frozen=True)
class Toys:
    SECTION: ClassVar[str] = "Playing"

    ball: str = options.setting("--ball", default="red", help="Colour.")
    cards: int | None = options.setting("--cards", type=click.INT, help="Number.")


def test_a_group_is_one_object():
    @options.command
    @options.takes(Toys, cards={"type": click.IntRange(2)})
    def play(toys):
        """Play."""
        print(toys)

    @options.command
    @options.takes(Toys, without=["ball"])
    def deal(toys):
        """Deal."""
        print(toys)

    run = CliRunner().invoke
    assert run(play, ["--ball", "blue"]).output == f"{Toys('blue')}\n"
    assert run(play, ["--cards", "1"]).exit_code == 2  # as changed for this command
    assert run(deal, ["--cards", "1"]).output == f"{Toys(cards=1)}\n"
    assert run(deal, ["--ball", "blue"]).exit_code == 2
    assert "--cards INTEGER  Number." in run(deal, ["--help"]).output
    with pytest.raises(AssertionError):
        options.takes(Toys, "dice")


def test_a_module_is_a_command(tmp_path, monkeypatch):
    from galedge.cli import commands

    (tmp_path / "toy.py").write_text(
        "from galedge.cli import options\n\n\n@options.command\ndef toy():\n"
        '    """Play."""\n    print("played")\n'
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert cli.list_commands(CONTEXT) == sorted([*COMMANDS, "toy"])
    assert CliRunner().invoke(cli, ["toy"]).output == "played\n"
    assert "toy " in CliRunner().invoke(cli, ["--help"]).output
