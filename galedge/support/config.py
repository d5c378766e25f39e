"""Options from a TOML file, one table a command."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection
from typing import Any

from galedge.errors import GaledgeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["read_config"]


def read_config(path: str, command: str, options: Collection[str]) -> dict[str, Any]:
    """Return the options that a file has for a command.

    Parameters
    ----------
    path : str
        A TOML file with a table ``[command]`` of options, spelled as on the
        command line without the leading hyphens.
    command : str
    options : collection of str
        Those that the command has, with underscores.

    Returns
    -------
    dict
        Empty if the file has no such table.

    Raises
    ------
    GaledgeError
        If the file cannot be read, or holds an option that does not exist.
    """
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise GaledgeError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GaledgeError(f"{path}: not TOML: {error}") from error
    found = content.get(command, {})
    if not isinstance(found, dict):
        raise GaledgeError(f"{path}: {command} must be a table; write [{command}]")
    for name, value in content.items():
        if not isinstance(value, dict | list):
            raise GaledgeError(f"{path}: {name} stands in no table; write it under [{command}]")
        if command not in content and difflib.get_close_matches(name, [command], 1, 0.8):
            raise GaledgeError(f"{path}: has no [{command}]; did you mean that by [{name}]?")
    settings = {str(name).replace("-", "_"): value for name, value in found.items()}
    for name in settings:
        if name not in options:
            near = difflib.get_close_matches(name, options, 1)
            hint = f"; did you mean {near[0].replace('_', '-')}?" if near else ""
            raise GaledgeError(f"{path}: [{command}] has no option {name.replace('_', '-')}{hint}")
    return settings
