"""The software bill of materials of a wheel, as CycloneDX has it: what it needs when it runs, as locked.

Packages of the base installation have the scope "required", those of the extras "optional"; tools of development are no
part of it. The same locks give the same bytes: no time, no random number.
"""

import json
import tomllib
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply.locks import PROJECT, ROOT, WEIGHTS, Pin, pins

FILE = ROOT / "sbom.cdx.json"
SPEC_VERSION = "1.6"
_DEVELOPMENT = {"dev"}


def text(folder: Path = ROOT) -> str:
    """The bill, a component a line."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = _names(project["dependencies"])
    extras = {name: wanted for name, wanted in project["optional-dependencies"].items() if name not in _DEVELOPMENT}
    direct = base.union(*map(_names, extras.values()), (pin.name for pin in pins(folder, (WEIGHTS,))))
    found = sorted(pins(folder), key=lambda pin: (pin.name, pin.version))
    required, needed = _closure(base, found), _closure(direct, found)
    used = [pin for pin in found if pin.name in needed]
    components = [_component(pin, "required" if pin.name in required else "optional") for pin in used]
    parts = {"components": components, "dependencies": _edges(direct, used)}
    lists = {name: "[\n" + ",\n".join(map(_line, items)) + "\n]" for name, items in parts.items()}
    head = _head(project, uuid.uuid5(uuid.NAMESPACE_URL, _line([project, lists])))
    body = [f"{_line(name)}: {_line(value)}" for name, value in head.items()]
    return "{\n" + ",\n".join([*body, *(f"{_line(name)}: {value}" for name, value in lists.items())]) + "\n}\n"


def _head(project: dict[str, Any], serial: uuid.UUID) -> dict[str, Any]:
    whole = {
        "type": "application",
        "bom-ref": PROJECT,
        "name": PROJECT,
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
        "purl": f"pkg:pypi/{PROJECT}@{project['version']}",
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "pre-build"}], "component": whole},
    }


def _component(pin: Pin, scope: str) -> dict[str, Any]:
    archives = {
        "type": "distribution",
        "url": _purl(pin),
        "comment": "archives that the lock accepts",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.hashes],
    }
    marker = {"properties": [{"name": f"{PROJECT}:marker", "value": pin.marker}]} if pin.marker else {}
    return {
        "type": "library",
        "bom-ref": _purl(pin),
        "name": pin.name,
        "version": pin.version,
        "scope": scope,
        "purl": _purl(pin),
        "externalReferences": [archives],
        **marker,
    }


def _purl(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version.replace('+', '%2B')}"


def _names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def _closure(names: set[str], found: Sequence[Pin]) -> set[str]:
    """The packages with all that they ask for."""
    while more := {pin.name for pin in found if names & set(pin.parents)} - names:
        names = names | more
    return names


def _edges(direct: set[str], used: Sequence[Pin]) -> list[dict[str, Any]]:
    """What each package asks for."""
    whole = {PROJECT: [_purl(pin) for pin in used if pin.name in direct]}
    asked = whole | {_purl(parent): [_purl(pin) for pin in used if parent.name in pin.parents] for parent in used}
    return [{"ref": ref, "dependsOn": sorted(refs)} if refs else {"ref": ref} for ref, refs in asked.items()]


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
