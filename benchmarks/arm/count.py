"""Instructions a pixel of the core's hot loops on aarch64, as QEMU executes them.

    python benchmarks/arm/count.py [-o FILE.json] [CSRC]

Needs Debian's g++-aarch64-linux-gnu and qemu-user. Counts are of executed instructions: two
runs of different length, their difference over the passes between, so that nothing else is
in it. They stand in for time where there is no such machine; a count is not a time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# As in setup.py.
FLAGS = "-std=c++17 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -static"
CXX = "aarch64-linux-gnu-g++"
PASSES = 4


def build(csrc: Path, folder: Path) -> Path:
    """Compile the loops and what they need, the decoders of files left out."""
    subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", "-o", folder / "count.so", HERE / "count.c"], check=True
    )
    deflate = csrc / "third_party" / "libdeflate"
    sources = [path for path in sorted(csrc.glob("*.cpp")) if not path.name.startswith("bind")]
    objects = []
    for source in [*sources, HERE / "loops.cpp"]:
        objects.append(folder / f"{source.stem}.o")
        command = [CXX, *FLAGS.split(), f"-I{csrc}", f"-I{deflate}", "-c", source, "-o"]
        subprocess.run([*command, objects[-1]], check=True)
    for source in sorted(deflate.rglob("lib/**/*.c")):
        objects.append(folder / f"{source.parent.name}-{source.stem}.o")
        command = ["aarch64-linux-gnu-gcc", "-O2", f"-I{deflate}", "-c", source, "-o", objects[-1]]
        subprocess.run(command, check=True)
    program = folder / "loops"
    subprocess.run([CXX, "-static", "-o", program, *objects], check=True)
    return program


def executed(program: Path, name: str, times: int) -> tuple[int, int]:
    """Return how many instructions a run takes, and how many are of the vector unit."""
    plugin = program.with_name("count.so")
    command = ["qemu-aarch64", "-plugin", plugin, "-d", "plugin", program, name, str(times)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    match = re.search(r"instructions (\d+) vector (\d+)", said)
    assert match is not None, said
    return int(match[1]), int(match[2])


def main() -> None:
    """Count them and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csrc", nargs="?", type=Path, default=HERE.parents[1] / "csrc")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        program = build(arguments.csrc.resolve(), Path(folder))
        listed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        for name, values in (line.split("\t") for line in listed.splitlines()):
            few, many = (executed(program, name, times) for times in (1, 1 + PASSES))
            each = PASSES * int(values)
            total, vector = ((b - a) / each for a, b in zip(few, many, strict=True))
            figures[name] = {"instructions": round(total, 2), "vector": round(vector, 2)}
            print(f"{name:24} {total:8.2f} a value, {vector:8.2f} of the vector unit", flush=True)
    if arguments.output:
        compiler = subprocess.run([CXX, "--version"], check=True, capture_output=True, text=True)
        emulator = subprocess.run(
            ["qemu-aarch64", "--version"], check=True, capture_output=True, text=True
        )
        told = [text.stdout.splitlines()[0] for text in (compiler, emulator)]
        figures = {"compiler": told[0], "emulator": told[1], "a value": figures}
        arguments.output.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
