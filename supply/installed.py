"""Whether everything in a virtual environment is what the locks name, file by file.

pip checks the archive of a package against the hashes of the lock when it installs it; what it reports of the archive
is recorded at once, with a digest of all files that it brought (``record``). ``problems`` compares the environment with
that record and with the locks as they are now:

- a package, or a version of it, that no lock names: installed by hand, or left over from an older lock;
- an archive whose hash the lock does not name: the same name and version from elsewhere, or built here;
- a file that changed, is gone or was added: edited, overwritten by another package, or dropped where Python starts
  code from (``.pth``, ``sitecustomize``). Bytecode that nobody recorded is removed: Python would run it in place of its
  source.

Whoever may write the whole environment can also write the record: that is what a fresh environment is for.
"""

import base64
import csv
import hashlib
import json
import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from supply.locks import PROJECT, Pin

OF_PYTHON = {"pip", "setuptools"}  # `venv` installs them out of the interpreter, which is trusted as it is
_OF_VENV = ("activate", "Activate", "python")  # how names of files begin that `venv` puts beside the programs


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that belongs to the checkout beside it."""

    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / ".archives.json"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))

    @property
    def programs(self) -> Path:
        return Path(sysconfig.get_path("scripts", vars={"base": str(self.folder)}))

    def distributions(self) -> dict[str, Distribution]:
        return {canonicalize_name(each.name): each for each in distributions(path=[str(self.packages)])}


def record(environment: Environment, reports: Sequence[Path]) -> list[str]:
    """Write down what pip installed, by its ``--report`` files, and return what is wrong with it already.

    What an earlier record says of a package that no report names stays.
    """
    known = json.loads(environment.record.read_text()) if environment.record.exists() else {}
    archives = {name: entry["archive"] for name, entry in known.items()} | dict(_archives(reports))
    wrong, entries = [], {}
    for name, distribution in sorted(environment.distributions().items()):
        wrong += _unlike_its_record(environment, distribution)
        files = _digest(environment, distribution)
        entries[name] = {"version": distribution.version, "archive": archives.get(name), "files": files}
    environment.record.write_text(json.dumps(entries, indent=1) + "\n")
    return wrong


def problems(environment: Environment, pins: Sequence[Pin]) -> list[str]:
    """One sentence for everything that is not as the locks and the record have it; empty when all is well."""
    if not environment.record.exists():
        return [f"{environment.record} is missing: make the environment again by `make test`"]
    known = json.loads(environment.record.read_text())
    found = environment.distributions()
    wrong = _settings(environment)
    for name, distribution in sorted(found.items()):
        entry = known.get(name, {"version": None, "archive": None, "files": None})
        wrong += _unlocked(environment, name, distribution, entry, pins)
        if entry["files"] != _digest(environment, distribution):
            named = _unlike_its_record(environment, distribution)
            wrong += named or [f"{name}: its files are not those that were installed"]
    missing = {pin.name for pin in pins if pin.applies} - found.keys()
    return wrong + [f"{name}: locked, and not installed" for name in sorted(missing)] + _strays(environment)


def _archives(reports: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Names and SHA-256 digests of the archives that pip installed."""
    for report in reports:
        for item in json.loads(report.read_text())["install"]:
            digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
            yield canonicalize_name(item["metadata"]["name"]), digest


def _unlocked(
    environment: Environment, name: str, distribution: Distribution, entry: dict[str, Any], pins: Sequence[Pin]
) -> list[str]:
    if name == PROJECT:
        url = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
        is_ours = url == environment.folder.absolute().parent.as_uri()
        return [] if is_ours else [f"{name}: not this checkout but {url or 'a copy'}"]
    if name in OF_PYTHON:
        return []
    pin = next((pin for pin in pins if (pin.name, pin.version) == (name, distribution.version) and pin.applies), None)
    if pin is None:
        return [f"{name} {distribution.version}: installed, and no lock names it"]
    if entry["archive"] not in pin.hashes:
        return [f"{name} {distribution.version}: its archive {entry['archive'] or 'is not recorded, so'} is in no lock"]
    return []


def _rows(environment: Environment, distribution: Distribution) -> Iterator[tuple[Path, str]]:
    """The files of a distribution, with the digests that its RECORD has for them."""
    for path, digest, _ in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        yield Path(os.path.normpath(environment.packages / path)), digest


def _digest(environment: Environment, distribution: Distribution) -> str:
    """Of all files of a distribution with their names, bytecode and RECORD among them."""
    total = hashlib.sha256()
    for path, _ in sorted(_rows(environment, distribution)):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
        total.update(f"{os.path.relpath(path, environment.folder)} {content}\n".encode())
    return total.hexdigest()


def _unlike_its_record(environment: Environment, distribution: Distribution) -> list[str]:
    wrong = []
    for path, recorded in _rows(environment, distribution):
        if not path.is_file():
            wrong.append(f"{distribution.name}: {path} is gone")
        elif recorded:
            name, _, expected = recorded.partition("=")
            digest = hashlib.new(name, path.read_bytes())
            forms = {base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode(), digest.hexdigest()}
            if expected not in forms:  # some wheels of uv have hexadecimal digits
                wrong.append(f"{distribution.name}: {path} is not the file that was installed")
    return wrong


def _strays(environment: Environment) -> list[str]:
    """Files where Python or the shell look for code that no distribution brought."""
    owned = {path for each in environment.distributions().values() for path, _ in _rows(environment, each)}
    wrong = []
    for folder in (environment.packages, environment.programs):
        for path in sorted(folder.rglob("*")):
            if path in owned or (path.is_dir() and not path.is_symlink()):
                continue
            if path.suffix == ".pyc":
                path.unlink()
            elif folder == environment.packages or not path.name.startswith(_OF_VENV):
                wrong.append(f"{path}: no package that is installed brought it")
    return wrong


def _settings(environment: Environment) -> list[str]:
    settings = (environment.folder / "pyvenv.cfg").read_text()
    is_open = "include-system-site-packages = true" in settings.lower()
    return [f"{environment.folder / 'pyvenv.cfg'}: lets in the packages of the system"] if is_open else []
