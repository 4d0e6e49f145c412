"""The demo, set up from a page: the same command as in a terminal, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

from app.cached import ADDRESS_VARIABLE

_COMMAND = (sys.executable, "-P", "-m", "judgebench", "demo")
_MESSAGE_CHARS = 1000


def set_up(address: str, environment: Mapping[str, str] = os.environ) -> str:
    """Wait until the demo is in the database. Returns what went wrong, empty where nothing did.

    A second one beside it adds nothing: what is stored is not judged again.
    """
    ended = subprocess.run(  # noqa: S603  # the words are ours
        _COMMAND,
        env={**environment, ADDRESS_VARIABLE: address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        start_new_session=True,  # Ctrl-C in the app's terminal is not meant for it
    )
    if ended.returncode == 0:
        return ""
    words = ended.stderr.decode(errors="replace").strip()
    return words[-_MESSAGE_CHARS:] or f"judgebench demo ended with exit status {ended.returncode}"
