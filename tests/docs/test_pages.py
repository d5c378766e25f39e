"""What the documentation and comments name is there: files, links, options of commands."""

import importlib
import pkgutil
import re
from pathlib import Path

import click
import pytest
from helpers.house import ROOT
from website import filled

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "training/*.md", "benchmarks/*.md", "examples/*.md")
    for path in ROOT.glob(pattern)
)
FOLDERS = ("galedge", "csrc", "tests", "training", "docs", "benchmarks", "examples", ".ci")
# A file of the repository by its path, perhaps by a pattern.
NAMED = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*[\w*/]")


def texts():
    yield from PAGES
    yield ROOT / ".ci" / "run"
    for folder in ("galedge", "csrc", "tests", "training", "docs", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".pyi", ".cpp", ".hpp", ".inl", ".sh") and (
                "third_party" not in path.parts
            ):
                yield path


def test_files_that_are_named_exist():
    made = "training/results/"  # in part by whoever runs the commands
    lost = {
        (str(path.relative_to(ROOT)), name)
        for path in texts()
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
        if not name.startswith(made)
        and not any(ROOT.glob(name.rstrip("/")))
        and not (ROOT / f"{name}.md").exists()  # as the site names its pages
    }
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"(?m)^#+ (.*)$", filled(target.read_text(encoding="utf-8")))
            anchors = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
            assert anchor in anchors, link


def commands():
    package = importlib.import_module("galedge.cli.commands")
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        command = getattr(module, found.name, None)
        if isinstance(command, click.Command):
            yield found.name, command


def sections():
    """Return the sections of docs/cli.md by the command that each tells of."""
    text = Path(ROOT / "docs" / "cli.md").read_text()
    found = re.findall(r"(?ms)^## galedge (\w+)[^\n]*\n(.*?)(?=^## |\Z)", text)
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_a_section_tells_of_its_commands_own_options(name, command):
    """What it shares with others is told once; the rest stands in reference/commands.md."""
    told = re.findall(r"`(--[a-z][\w-]*)", "".join(sections().values()))
    section = sections()[name]
    shared = {opt for other, entry in commands() if other != name for opt in options(entry)}
    for spelling in options(command) - shared:
        assert f"`{spelling}" in section, spelling
    assert options(command) <= {*told, "--config"}
    assert command.name == name
    assert name in ("classify", "models") or f"commands.md#{name}" in section


def options(command):
    """Return the long spellings of a command's options."""
    return {
        spelling
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        for spelling in (*option.opts, *option.secondary_opts)
        if spelling.startswith("--")
    }


def test_no_option_is_told_that_no_command_has():
    """Tables of options name none that is gone."""
    known = {spelling for _, command in commands() for spelling in options(command)}
    for name, section in sections().items():
        told = re.findall(r"^\| (`--?.*?) \|", section, re.M)
        for spelling in re.findall(r"`(--[a-z][\w-]*)", "\n".join(told)):
            assert spelling in known, f"galedge {name} {spelling}"
