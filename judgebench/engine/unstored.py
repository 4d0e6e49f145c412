"""Replies that were paid for and could not be committed: kept in a file beside the database until a run stores them.

The file has one JSON object a line: whose results they are, and one result. It grows under a lock, so that several
runs may use it; a result that is in the database as well is known there, and storing it again changes nothing.
"""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from judgebench.counts import count
from judgebench.errors import InputError
from judgebench.store.database import Database

_T = TypeVar("_T")


class Unstored(Generic[_T]):
    """The results of one kind that one run could not commit.

    ``owner`` names the run's benchmark and whom it asks: only the same ones take the results up.
    """

    def __init__(self, database: Database, owner: Sequence[str], kind: type[_T]) -> None:
        self._path = path_for(database)
        self._owner = list(owner)
        self._kind = kind

    @cached_property
    def _results(self) -> TypeAdapter[_T]:
        return TypeAdapter(self._kind)  # takes a while to build, and is seldom needed

    def keep(self, results: Sequence[_T]) -> str:
        """Returns the file's name. Raises InputError where it cannot be written."""
        if self._path is None:
            raise InputError(f"{count(len(results), 'reply')} could be stored nowhere: the database is in memory alone")
        lines = [
            json.dumps({"owner": self._owner, "result": self._results.dump_python(result, mode="json")}) + "\n"
            for result in results
        ]
        try:
            with _locked(self._path, "a") as file:
                file.writelines(lines)
        except OSError as error:
            reason = f"{count(len(results), 'reply')} could be stored nowhere: {self._path} cannot be written"
            raise InputError(f"{reason} ({error.strerror})") from error
        return str(self._path)

    def store(self, add: Callable[[Sequence[_T]], None]) -> None:
        """Commit by ``add`` what an earlier run left, and take it out of the file.

        Raises InputError for a file that is damaged.
        """
        if self._path is None or not self._path.exists():
            return
        with _locked(self._path, "r+") as file:
            lines = list(file)
            mine = [self._read(number, line) for number, line in enumerate(lines, 1)]
            results = [result for result in mine if result is not None]
            if results:
                add(results)
            left = [line for line, result in zip(lines, mine, strict=True) if result is None]
            file.seek(0)
            file.truncate()
            file.writelines(left)
            if not left:
                self._path.unlink()

    def _read(self, number: int, line: str) -> _T | None:
        """None for another run's."""
        try:
            row = json.loads(line)
            return self._results.validate_python(row["result"]) if row["owner"] == self._owner else None
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise InputError(
                f"{self._path}, line {number}: not a result that a run left; move the file away to go on without it"
            ) from error


def path_for(database: Database) -> Path | None:
    """Beside an SQLite file; for a server's database, in the current folder, under its own name; None in memory."""
    if database.is_sqlite:
        name = database.url.database
        return None if name in (None, "", ":memory:") else Path(f"{name}.unstored")
    mark = hashlib.sha256(database.name.encode()).hexdigest()[:12]
    return Path(f"judgebench-{mark}.unstored")


@contextmanager
def _locked(path: Path, mode: str) -> Iterator[IO[str]]:
    with open(path, mode, encoding="utf-8", errors="surrogatepass") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
