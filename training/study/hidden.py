"""Hidden: a process that takes its processor for one that ends with AVX2; run by gdb.

ONNX Runtime asks the processor what it can do, and no setting tells it otherwise. gdb stops at
the instructions of its library that ask, and takes AVX-512 and VNNI out of the answer.

    gdb -batch -nx -x hidden.py --args python -m training.study.pace onnxruntime FILE...
"""

import re
import subprocess

import gdb  # type: ignore[import-not-found]  # there inside gdb only

LIBRARY = "onnxruntime_pybind11_state"
# Of leaf 7: AVX-512 in ebx (F, DQ, IFMA, CD, BW, VL), VBMI, VNNI and the like in ecx, bf16 and
# FP16 and AMX in edx; of its second page AVX-VNNI, AVX-IFMA and bf16 in eax, AVX-VNNI-INT8 in edx.
WITHOUT = {
    0: {"ebx": ~0xD0230000, "ecx": ~0x00005842, "edx": ~0x03C0010C},
    1: {"eax": ~0x00800030, "edx": ~0x00000430},
}


class Asked(gdb.Breakpoint):
    """An instruction that asks: what it answers is changed when it has been carried out."""

    def stop(self) -> bool:
        """Stop where leaf 7 is asked for."""
        return int(gdb.parse_and_eval("$eax")) == 7


def main() -> None:
    """Run the program, with breakpoints in the library as soon as it is loaded."""
    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    gdb.execute("set breakpoint pending on")
    gdb.execute("catch load " + LIBRARY)
    gdb.execute("run")
    mapped = gdb.execute("info proc mappings", to_string=True)
    line = next(line for line in mapped.splitlines() if LIBRARY in line)
    start, path = int(line.split()[0], 16), line.split()[-1]
    code = subprocess.run(["objdump", "-d", path], capture_output=True, text=True, check=True)
    for place in re.findall(r"^\s*([0-9a-f]+):\t0f a2 +\tcpuid", code.stdout, re.M):
        Asked(f"*{start + int(place, 16):#x}")
    gdb.execute("delete 1")
    gdb.execute("continue")
    while gdb.selected_inferior().pid:
        page = int(gdb.parse_and_eval("$ecx"))
        gdb.execute("stepi")
        for register, mask in WITHOUT.get(page, {}).items():
            gdb.execute(f"set $r{register[1:]} = ${register} & {mask & 0xFFFFFFFF:#x}")
        gdb.execute("continue")


main()
