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


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_option_is_in_the_reference(name, command):
    text = Path(ROOT / "docs" / "cli.md").read_text()
    sections = {
        title.split()[1]: body
        for title, body in re.findall(r"(?ms)^## (galedge \w+[^\n]*)\n(.*?)(?=^## |\Z)", text)
    }
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            spellings = [*option.opts, *option.secondary_opts]
            assert any(f"`{spelling}" in sections[name] for spelling in spellings), spellings
