"""Run a program as long as whoever asked for it lives: ``python warden.py PROGRAM ARGUMENT ...``.

Standard input is the other end of a pipe that the asker holds. When it closes, whether the asker wanted that or was
killed, the program is asked to end, with everything it started, and is ended where it does not. What was written into
the pipe is how many seconds lie between the two. Standard library only: it runs by itself.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

GRACE_S = 20.0
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of Linux's prctl


def guard(argv: list[str]) -> int:
    """The exit status of the program, 128 and its number for a signal; nothing that it started is left then."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # a handler, which the program does not inherit as it would a SIG_IGN
    _adopt()
    program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # a user's own
    threading.Thread(target=_end, args=(program.pid,), daemon=True).start()
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)  # its number stays its own until wait()
    _signal(program.pid, signal.SIGKILL)  # the workers, where their parent left them behind
    status = program.wait()
    _end_adopted()
    return status if status >= 0 else 128 - status


def _adopt() -> None:
    """Become the parent of what loses its own, and has left the group of the program, where the system can do that."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)


def _end_adopted() -> None:
    """End what the program started in sessions of its own, and what that started in its turn."""
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:  # not on Linux
        return []
    return [int(pid) for pid in listed.split()]


def _end(group: int) -> None:
    """End it once nobody holds the pipe."""
    written = sys.stdin.read()
    _signal(group, signal.SIGTERM)
    time.sleep(float(written or GRACE_S))
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))
