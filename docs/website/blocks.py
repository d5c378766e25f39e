"""Pages whose blocks run, in their order, in one folder: as they are printed, or the build fails.

A page with the line ``<!-- run -->`` has its blocks of ``sh`` and ``python`` run. Before a
block may stand, in a comment that only this reads:

``<!-- exit 3 -->``
    The exit code that a shell's block ends with; otherwise it is 0.
``<!-- not run -->``
    What a reader does and this page cannot: an installation, a service.

``<!-- run sh`` and ``<!-- run python`` begin a comment that is itself a block, which no
reader sees: what a reader has already, and what the page is held to. ``<!-- show FILE: what it
is -->`` stands for a picture that the blocks made, or for a link to what is no picture.

The folder holds the repository's ``examples/``. All blocks of Python are one program, but one
that begins with ``# file: NAME``, which is written to that file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Failed", "blocks", "run", "runs", "shown"]

ROOT = Path(__file__).parents[2]

_PIECE = re.compile(
    r"^(?:<!-- (?P<note>exit \d+|not run) -->\n)?"
    r"(?:```(?P<language>sh|python)\n(?P<code>.*?)^```$"
    r"|<!-- run (?P<unseen>sh|python)\n(?P<hidden>.*?)^-->$"
    r"|<!-- show (?P<file>\S+): (?P<about>[^\n]*) -->$)",
    re.M | re.S,
)
_FILE = re.compile(r"# file: (\S+)\n")
_RUN = "<!-- run -->\n"
_LONGEST = 300  # seconds of a block
_FEW = 40  # lines of an output that are shown


class Failed(Exception):
    """A block of a page failed; says which, and how."""


@dataclass
class Block:
    """A block of a page, and what came of it."""

    begin: int
    end: int
    language: str = ""
    code: str = ""
    exit: int = 0
    is_run: bool = True
    is_seen: bool = True
    file: str = ""
    about: str = ""
    said: str = ""


def runs(text: str) -> bool:
    """Tell whether a page's blocks run."""
    return _RUN in text


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page, and the places where it shows files."""
    found = []
    for piece in _PIECE.finditer(text):
        note = piece["note"] or ""
        found.append(
            Block(
                piece.start(),
                piece.end(),
                piece["language"] or piece["unseen"] or "",
                piece["code"] or piece["hidden"] or "",
                int(note.removeprefix("exit ")) if note.startswith("exit") else 0,
                note != "not run" and not piece["file"],
                not piece["unseen"],
                piece["file"] or "",
                piece["about"] or "",
            )
        )
    return found


def run(text: str, folder: Path) -> list[Block]:
    """Run a page's blocks in a folder.

    Raises
    ------
    Failed
        With the block and what it said, if one fails, ends with another code than the page
        says, or makes no file that is shown.
    """
    work, tools = folder / "here", folder / "tools"
    shutil.copytree(ROOT / "examples", work / "examples")
    tools.mkdir()
    for name, arguments in (("galedge", " -m galedge"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
        (tools / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "COLUMNS": "90",
    }
    found = blocks(text)
    with _Program(work, environment) as program:
        for block in found:
            if block.file and not (work / block.file).is_file():
                raise Failed(f"{block.file} is shown, and no block made it")
            if not block.is_run:
                continue
            if named := _FILE.match(block.code):
                (work / named[1]).write_text(block.code)
            elif block.language == "python":
                block.said = program.run(block.code)
            else:
                block.said = _shell(block, work, environment)
            block.said = block.said.replace(str(work), "~")
    return found


def _shell(block: Block, work: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-ec", block.code],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if done.returncode != block.exit:
        code = f"exit code {done.returncode}, not {block.exit}"
        raise Failed(f"{code}:\n{block.code}\n{done.stdout}")
    return done.stdout


_LOOP = """
import contextlib, io, json, sys, traceback
names = {"__name__": "page"}
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    said, failed = io.StringIO(), False
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(json.loads(line), "page", "exec"), names)
    except BaseException:
        failed = True
        said.write(traceback.format_exc())
    print(json.dumps([failed, said.getvalue()]), file=answers, flush=True)
"""


class _Program:
    """A program that is given block by block."""

    def __init__(self, work: Path, environment: dict[str, str]) -> None:
        self._given = {"cwd": work, "env": environment, "text": True}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _Program:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            self._process.communicate(timeout=_LONGEST)

    def run(self, code: str) -> str:
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LOOP], stdin=pipe, stdout=pipe, **self._given
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(code), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        failed, said = json.loads(line) if line else (True, "Python ended")
        if failed:
            raise Failed(f"{code}\n{said}")
        return str(said)


def shown(text: str, found: list[Block], work: Path, pictures: Path) -> str:
    """Return a page's text with what its blocks said behind them, files copied to `pictures`."""
    return "".join(_pieces(text, found, work, pictures))


def _pieces(text: str, found: list[Block], work: Path, pictures: Path) -> Iterator[str]:
    at = 0
    for block in found:
        yield text[at : block.begin]
        at = block.end
        if block.file:
            pictures.mkdir(parents=True, exist_ok=True)
            copy = pictures / Path(block.file).name
            shutil.copyfile(work / block.file, copy)
            place = f"/{copy.relative_to(ROOT).as_posix()}"
            is_picture = copy.suffix in (".png", ".svg", ".jpg")
            yield f"![{block.about}]({place})" if is_picture else f"[{block.about}]({place})"
        elif block.is_seen:
            yield text[block.begin : block.end]
            lines = block.said.rstrip().splitlines()
            if len(lines) > _FEW:
                lines[_FEW:] = ["..."]
            if lines:
                yield "\n\n```{code-block} text\n:class: said\n\n" + "\n".join(lines) + "\n```"
    yield text[at:]
