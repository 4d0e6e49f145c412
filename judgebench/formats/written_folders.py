"""Write folders: whole or not at all, and with names of files that any name of a model or judge gives."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from judgebench.errors import InputError
from judgebench.keys import content_key

_MOST_CHARS = 150  # of a file's name without its ending
_DIGEST_CHARS = 12


def file_name(name: str) -> str:
    """A name without an ending, equal for equal names alone, that names a file in the folder and nowhere else."""
    quoted = quote(name, safe=" ()+,=@", errors="surrogatepass")
    quoted = quoted.replace(".", "%2E", 1) if quoted.startswith(".") else quoted
    if len(quoted) > _MOST_CHARS:
        quoted = f"{quoted[:_MOST_CHARS]}-{content_key(name)[:_DIGEST_CHARS]}"
    return quoted


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """A folder to write into, which gets the name of ``path`` when all is written.

    Raises InputError where something is there already, or where it cannot be written.
    """
    if "\0" in str(path):
        raise InputError(f"{str(path)!r} names no folder")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path}: something is there already: name a new folder, or an empty one")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
        unfinished.mkdir()
        yield unfinished
        if path.exists():
            path.rmdir()
        os.replace(unfinished, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}): choose another path") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
