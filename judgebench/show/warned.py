"""What a process tells whoever started it: warnings that are meant for people, and lines of servers."""

import sys
import warnings
from collections.abc import Callable
from typing import TextIO

from judgebench.errors import AddressesChanged, DatabaseUpgraded, RememberedAddress
from judgebench.show.text import visible

_TOLD = (AddressesChanged, DatabaseUpgraded, RememberedAddress)


def tell_warnings(say: Callable[[str], None]) -> None:
    """From now on in this process ``say`` them, each time; others go where they went."""
    others = warnings.showwarning

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        if issubclass(category, _TOLD):
            say(str(message))
        else:
            others(message, category, filename, lineno, file, line)

    for category in _TOLD:
        warnings.simplefilter("always", category)
    warnings.showwarning = show


def tell_stderr(message: str) -> None:
    """A line of a server's own, beside what it serves."""
    print(f"judgebench: {visible(message)}", file=sys.stderr, flush=True)
