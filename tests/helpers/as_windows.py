"""The command line as it would run on Windows, as far as another system can play it.

    python as_windows.py classify IMAGE ...

What Windows lacks is taken away before galedge is imported, and what it forbids is refused:
deleting or replacing a file that is open here, and renaming over one that is there.
"""

import ctypes
import importlib
import os
import pkgutil
import signal
import sys
import types

# Of other packages, which know Windows themselves.
KNOW_IT = (
    "asyncio",
    "click",
    "numpy",
    "onnxruntime",
    "PIL.Image",
    "subprocess",
    "tempfile",
    "tqdm",
)
for each in KNOW_IT:
    importlib.import_module(each)
import fcntl  # noqa: E402

MODULES = ["fcntl", "grp", "posix", "pwd", "resource", "termios", "tty"]
NAMES = [
    *("O_NONBLOCK", "O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW", "O_SYNC", "pread"),
    *("preadv", "pwrite", "fork", "forkpty", "register_at_fork", "sched_getaffinity", "getuid"),
    *("geteuid", "getpgid", "killpg", "mkfifo", "fchmod", "set_blocking", "posix_fadvise"),
]
SIGNALS = ["SIGHUP", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGCHLD"]

_VIOLATION = 33


class _Kernel:
    """Of kernel32, what galedge calls."""

    def LockFileEx(self, handle, flags, reserved, low, high, place):
        assert (flags, low, high) == (3, 1, 0)
        try:
            fcntl.flock(handle.value or 0, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        return 1


def _is_open(path):
    real = os.path.realpath(path)
    for each in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{each}") == real:
                return True
        except OSError:
            continue
    return False


def _refusing(action, *, over=True):
    def act(source, target=None, **more):
        for path in (source, target):
            if path is not None and _is_open(path):
                raise PermissionError(13, "a sharing violation", os.fspath(path))
        if target is not None and not over and os.path.exists(target):
            raise FileExistsError(17, "is there", os.fspath(target))
        return action(source, **more) if target is None else action(source, target, **more)

    return act


def become_windows():
    """Take away and refuse what Windows does."""
    for name in (*MODULES, "torch"):  # which asks too much of Windows to be fooled
        sys.modules[name] = None
    for name in NAMES:
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        delattr(signal, name)
    signal.SIGBREAK = signal.SIGTERM
    sys.modules["msvcrt"] = types.SimpleNamespace(get_osfhandle=lambda file: file)
    ctypes.WinDLL = lambda name, use_last_error: _Kernel()
    ctypes.get_last_error = lambda: _VIOLATION
    os.unlink = os.remove = _refusing(os.unlink)
    os.replace = _refusing(os.replace)
    os.rename = _refusing(os.rename, over=False)
    sys.platform = "win32"


if __name__ == "__main__":
    become_windows()
    if sys.argv[1:] == ["import everything"]:
        import galedge

        for found in pkgutil.walk_packages(galedge.__path__, "galedge."):
            if found.name not in ("galedge.__main__", "galedge.support.posix"):
                try:
                    importlib.import_module(found.name)
                except ImportError as error:
                    assert "torch" in str(error), found.name  # noqa: PT017
        assert "galedge.support.posix" not in sys.modules
        assert "galedge.support.windows" in sys.modules
    else:
        from galedge.cli import main

        main()
