"""Help imports what would take seconds only where it is about it."""

import pytest
from test_imports import modules_after


@pytest.mark.parametrize("command", [["data", "check"], ["baselines"]])
def test_help_imports_no_learner(command):
    code = (
        "from training.__main__ import main\n"
        f"try: main({[*command, '--help']!r})\n"
        "except SystemExit as error: assert error.code == 0"
    )
    assert modules_after(code).isdisjoint({"torch", "sklearn"})
