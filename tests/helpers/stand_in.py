"""Processes in which the compiled core is missing."""

import os
import subprocess
import sys

PURE = "import sys; sys.modules['galedge.core._core'] = None; sys.modules.update({hidden!r})\n"


def pure(code, *arguments, hide=()):
    script = PURE.format(hidden=dict.fromkeys(hide)) + code
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "GALEDGE_PURE": "1"},  # these are the sources, not a wheel without it
    )


CLI = "from galedge.cli import main; main(sys.argv[1:])"
