"""The lock files as they stand: pins with the hashes of their archives, and who asked for them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WEIGHTS = "requirements-embedded.lock"  # of the embedded judge, which no requirement names
FILES = ("requirements.lock", WEIGHTS)
PROJECT = "judgebench"
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?$")
_HASH = re.compile(r"^\s+--hash=sha256:([0-9a-f]{64})\b")
_PARENT = re.compile(r"^\s+#\s+(?:via\s+)?([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Pin:
    name: str  # as PEP 503 writes names
    version: str
    marker: str  # where it is installed; empty: everywhere
    hashes: tuple[str, ...]  # SHA-256 of its archives, in hexadecimal digits
    parents: tuple[str, ...]  # names of what asked for it, PROJECT among them

    @property
    def applies(self) -> bool:
        """Whether this interpreter is to have it."""
        return not self.marker or Marker(self.marker).evaluate()


def pins(folder: Path = ROOT, files: Sequence[str] = FILES) -> list[Pin]:
    """Raises ValueError for a line that is none of a lock's, and for a pin without a hash."""
    return [pin for name in files for pin in _pins((folder / name).read_text(encoding="utf-8"), name)]


def _pins(text: str, file: str) -> list[Pin]:
    found = []
    for part in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE):
        first, *rest = part.splitlines() or [""]
        if not first or first.startswith("#"):
            continue
        pin = _PIN.match(first)
        if pin is None:
            raise ValueError(f"{file}: not a pin: {first!r}")
        hashes = [match[1] for line in rest if (match := _HASH.match(line))]
        parents = [match[1] for line in rest if (match := _PARENT.match(line)) and match[1] != "via"]
        name = canonicalize_name(pin["name"])
        if not hashes:
            raise ValueError(f"{file}: {name} has no hash")
        asked = tuple(canonicalize_name(parent) for parent in parents) or (PROJECT,)
        found.append(Pin(name, pin["version"], pin["marker"] or "", tuple(sorted(hashes)), asked))
    return found
