"""What every command shares: the database it was pointed at, the environment, and how to print."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console

from judgebench.errors import InputError
from judgebench.store.database import Database, parse_address

DEFAULT_DATABASE = "judgebench.db"
_PIPE_WIDTH = 160  # of tables that no terminal shows


class Format(StrEnum):
    """How a read command prints."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation."""

    address: str
    environment: Mapping[str, str]

    @property
    def shown_address(self) -> str:
        """The address as it may be printed: without a password."""
        url = parse_address(self.address)
        return self.address if url.password is None else url.render_as_string(hide_password=True)

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        opened = Database(self.address, create=create)
        try:
            yield opened
        finally:
            opened.close()


def out() -> Console:
    """The terminal for results; it never interprets what models or users wrote as markup."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def err() -> Console:
    """The terminal for everything that is not a result."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def complain(message: str) -> None:
    err().print(f"judgebench: {visible(message)}")


def print_json(document: Any) -> None:
    """One JSON document; numbers that are not finite would not be JSON, and there are none."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def write_file(path: Path, text: str) -> None:
    """``text`` in UTF-8, with what is not Unicode replaced. Raises InputError where the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be written ({reason}): choose another path") from error


def visible(text: str) -> str:
    """``text`` without control characters, which could rewrite a terminal; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
