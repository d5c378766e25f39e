"""The site has every page, and lists every command, option, column, flag, exit code and error."""

import inspect
import re

import click
import pytest
from helpers.house import ROOT
from website import filled, lists

import galedge
from galedge import errors
from galedge.cli import cli, run
from galedge.network.heads import kinds
from galedge.network.model import find_card, shipped
from galedge.tables.columns import COLUMNS

SETTINGS: dict[str, object] = {}
exec(
    re.search(r"^include_patterns = \[.*?^\]", (ROOT / "docs/conf.py").read_text(), re.M | re.S)[0],
    SETTINGS,
)
PAGES = {
    path.relative_to(ROOT).with_suffix("").as_posix()
    for pattern in SETTINGS["include_patterns"]
    for path in ROOT.glob(pattern)
}
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.M | re.S)


def made(page):
    return filled((ROOT / "docs" / page).read_text())


def test_every_page_stands_in_one_toctree():
    listed = []
    for page in PAGES:
        for found in TOCTREE.findall((ROOT / f"{page}.md").read_text()):
            for line in found.splitlines():
                if line and not line.startswith(":"):
                    name = line.rpartition("<")[2].rstrip(">")
                    path = (ROOT / page).parent.joinpath(name).resolve()
                    listed.append(path.relative_to(ROOT).as_posix())
    lost = PAGES - {"docs/index", *listed}
    assert not lost, "add them to the toctree of docs/howto.md or of another page like it"
    assert set(listed) <= PAGES, "a toctree names a page that is none"
    assert len(listed) == len(set(listed)), "a page stands in two toctrees"


def test_the_reference_has_every_command_and_option():
    page = made("reference/commands.md")
    sections = dict(re.findall(r"(?ms)^## (\w+)\n(.*?)(?=^## |\Z)", page))
    context = click.Context(cli)
    assert list(sections) == cli.list_commands(context)
    for name, text in sections.items():
        for option in cli.get_command(context, name).params:
            if isinstance(option, click.Option) and not option.hidden:
                assert f"{option.opts[-1]}" in text, f"{name} {option.opts}"
                assert all(spelling in text for spelling in option.secondary_opts)
    assert "{names}" not in page


def test_the_reference_has_every_column():
    page = made("reference/columns.md")
    heads = {column.name: column for column in find_card().heads.asked_for("auto").columns}
    for name, column in (COLUMNS | heads).items():
        assert re.search(
            rf"^\| `{re.escape(name)}` \|.*{re.escape(column.description)} \|$", page, re.M
        )


def test_the_reference_has_every_flag():
    page = made("reference/columns.md")
    for kind in lists.all_flags().values():
        for flag, meaning in kind.items():
            assert f"| `{flag}` | {meaning} |" in page


def test_the_reference_has_every_error_and_exit_code():
    page = made("reference/errors.md")
    for name in errors.__all__:
        assert re.search(rf"^\| `{name}` \| `\w+` \| .+ \|$", page, re.M)
    table = (ROOT / "docs/cli.md").read_text().partition("| code |")[2].partition("\n\n")[0]
    codes = {0, run.FATAL, click.UsageError.exit_code, run.REJECTED, run.INTERRUPTED}
    assert set(re.findall(r"^\| (\d+) \|", table, re.M)) == set(map(str, codes))


def test_the_reference_has_every_public_name():
    page = made("reference/python.md")
    for name in galedge.__all__:
        kind = getattr(galedge, name)
        if inspect.isclass(kind) or inspect.isroutine(kind):
            assert re.search(rf"^\.\. auto\w+:: galedge\.{name}$", page, re.M), name


def test_what_is_made_is_asked_for_by_its_name():
    with pytest.raises(AttributeError):
        filled("<!-- made: nothing -->")
    with pytest.raises(KeyError):
        filled("<!-- made: columns nothing -->")
    assert filled("a <!-- made: nothing --> b") == "a <!-- made: nothing --> b"


def test_messages_are_those_of_the_code():
    """Of what `...` stands for the code has a value, so only what is quoted is looked for."""
    code = [
        re.sub(r"\"\s*\n\s*f?\"", "", path.read_text())  # a string that goes on in the next line
        for folder, suffix in (("galedge", "py"), ("csrc", "cpp"), ("csrc", "hpp"))
        for path in (ROOT / folder).rglob(f"*.{suffix}")
        if "third_party" not in path.parts
    ]
    page = (ROOT / "docs/troubleshooting.md").read_text()
    told = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert len(told) >= 20
    assert [each for each in told if not any(each in text for text in code)] == []


def test_the_installation_lists_every_extra():
    project = (ROOT / "pyproject.toml").read_text()
    table = re.search(r"^\[project.optional-dependencies\]\n(.*?)^\[", project, re.M | re.S)[1]
    extras = set(re.findall(r"^(\w+) = \[", table, re.M)) - {"bench", "test"}
    page = (ROOT / "docs/install.md").read_text()
    assert {extra for extra in extras if f"`{extra}`" not in page} == set()


def test_the_bundle_page_has_every_kind_of_head_and_model():
    page = made("reference/bundle.md")
    assert all(f"| `{kind}` |" in page for kind in kinds())
    assert all(f"\n{card.name} " in page for card in shipped())


def test_every_field_of_a_card_is_explained():
    page = made("reference/bundle.md")
    for card in shipped():
        assert {key for key in card.fields if f"`{key}`" not in page} == set()
