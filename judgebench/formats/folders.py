"""Folders of files: which files below one are read, and which are left out, and why."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from judgebench.errors import InputError
from judgebench.formats.documents import ENDINGS
from judgebench.formats.reading import ending

_MOST_FILES = 100_000
_MOST_NAMES = 5  # in a message


@dataclass(frozen=True, slots=True)
class Listed:
    """What a folder holds, by name."""

    files: tuple[Path, ...]  # of known endings
    left_out: tuple[tuple[Path, str], ...]  # others, each with the reason

    @property
    def in_words(self) -> tuple[str, ...]:
        """A sentence for each reason, with the first names."""
        reasons = dict.fromkeys(reason for _, reason in self.left_out)
        return tuple(self._sentence(reason) for reason in reasons)

    def _sentence(self, reason: str) -> str:
        names = [str(path) for path, why in self.left_out if why == reason]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        return f"left out, {reason}: {', '.join(names[:_MOST_NAMES])}{more}"


def expanded(paths: Sequence[str | PathLike[str]]) -> tuple[list[str | PathLike[str]], list[str]]:
    """The paths with, in place of each folder, the files below it; and what was left out, in words.

    Raises InputError for a folder without a file of a known ending.
    """
    files: list[str | PathLike[str]] = []
    words: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            files.append(path)
            continue
        listed = files_below(Path(path))
        files += listed.files
        words += listed.in_words
    return files, words


def files_below(folder: Path) -> Listed:
    """The files below a folder, sorted by name. Raises InputError where none has a known ending, or there are too many.

    Hidden ones, links out of the folder, and links to its own folders, which would be read twice, are left out.
    """
    files: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    for path in _walked(folder):
        reason = _reason(path, folder)
        if reason is None:
            files.append(path)
        else:
            left_out.append((path, reason))
        if len(files) + len(left_out) > _MOST_FILES:
            raise InputError(f"{folder}: holds more than {_MOST_FILES:,} files: name a folder inside it")
    if not files:
        known = ", ".join(ENDINGS)
        words = "; ".join(Listed((), tuple(left_out)).in_words)
        raise InputError(f"{folder}: no file in it has a name that ends in one of {known}{words and f' ({words})'}")
    return Listed(tuple(files), tuple(left_out))


def _walked(folder: Path) -> Iterator[Path]:
    """Files, hidden folders, and links to folders, sorted; nothing below the last two."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be read: {error.strerror}") from error
    for path in entries:
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _walked(path)
        else:
            yield path


def _reason(path: Path, folder: Path) -> str | None:
    """Why a path is left out; None where it is read."""
    if path.name.startswith("."):
        return "hidden"
    if path.is_symlink():
        if not path.exists():
            return "links that lead nowhere"
        if not path.resolve().is_relative_to(folder.resolve()):
            return "links out of the folder"
        if path.is_dir():
            return "links to folders"
    if not path.is_file():
        return "no files"
    return None if ending(path) in ENDINGS else "names of other endings"
