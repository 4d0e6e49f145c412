"""``import judgebench``: light, and every function where it is looked for."""

import importlib.util
import subprocess
import sys

import pytest

import judgebench

HEAVY = ("alembic", "numpy", "pandas", "pydantic", "scipy", "sqlalchemy", "typer")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, judgebench; judgebench.__version__; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_function_has_the_name_of_a_module_which_would_take_its_place() -> None:
    for name in judgebench.__all__:
        assert importlib.util.find_spec(f"judgebench.{name}") is None


def test_every_public_name_is_there_and_others_are_not() -> None:
    assert all(getattr(judgebench, name) for name in judgebench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'leader'"):
        judgebench.leader  # noqa: B018
