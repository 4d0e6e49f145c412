"""The picture in docs/architecture.md is true: imports point down, the core does no I/O, files stay small."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "judgebench"
MOST_LINES = 600


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_of_the_package_has_a_place_in_the_layers() -> None:
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        if path.stem.startswith("_") or (path.suffix != ".py" and not (path / "__init__.py").exists()):
            continue
        assert f"judgebench.{path.stem}" in contracts, f"{path.stem} is in no layer"


@pytest.mark.parametrize("path", sources("judgebench", "app", "migrations"), ids=lambda path: path.stem)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", sources("judgebench", "app"), ids=lambda path: path.stem)
def test_every_module_says_what_it_does(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_the_app_imports_only_what_is_shown_and_what_serves_it() -> None:
    """Types and errors too: ``services.pages`` names those that pages need."""
    doors = ("judgebench.show", "judgebench.services", "judgebench.web")
    for path in sources("app"):
        names = [name for name in imported(path) if name.split(".")[0] == "judgebench"]
        assert not [name for name in names if not name.startswith(doors)], path.relative_to(ROOT)


def test_only_the_store_writes_sql() -> None:
    """The import contract holds the package to it; here the app, and those that would borrow the store's tables."""
    for path in sources("app"):
        assert not [name for name in imported(path) if name.startswith(("sqlalchemy", "alembic"))], path
    for path in sources("judgebench", "app"):
        if (PACKAGE / "store") not in path.parents:
            text = path.read_text(encoding="utf-8")
            assert "store.schema" not in text, f"{path.relative_to(ROOT)} names the store's tables"
            assert "store import schema" not in text, f"{path.relative_to(ROOT)} names the store's tables"


def test_migrations_do_not_import_the_tables_that_they_build() -> None:
    """A migration is history; tables change."""
    for path in sources("migrations"):
        assert not [name for name in imported(path) if name.startswith("judgebench")]


def test_the_command_line_starts_without_what_few_commands_need() -> None:
    heavy = "{'scipy.stats', 'pandas', 'streamlit', 'alembic', 'tokenizers'}"
    usual = "judgebench.cli.main, judgebench.cli.leaderboard, judgebench.cli.run"
    code = f"import sys, {usual}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_leaderboard_is_loaded_without_audits_and_biases() -> None:
    heavy = "{'judgebench.audits.rules', 'judgebench.audits.robustness', 'judgebench.bias.report', 'scipy.stats'}"
    code = f"import sys, judgebench.services.leaderboards; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def definitions(*kinds: type[ast.stmt]) -> Iterator[tuple[Path, ast.stmt]]:
    """Public definitions of these kinds, wherever in the package."""
    for path in sources("judgebench"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds) and not node.name.startswith("_"):  # type: ignore[attr-defined]  # ast.walk gives nodes of the kinds asked for
                yield path, node


def test_no_two_public_classes_share_a_name() -> None:
    names = Counter(node.name for _, node in definitions(ast.ClassDef))  # type: ignore[attr-defined]  # ast.walk gives nodes of the kinds asked for
    assert [name for name, count in names.items() if count > 1] == []


def test_no_public_function_takes_just_anything() -> None:
    """Arguments have names, so that help, editors and type checkers know them."""
    for path, node in definitions(ast.FunctionDef, ast.AsyncFunctionDef):
        rest = node.args.kwarg  # type: ignore[attr-defined]  # ast.walk gives nodes of the kinds asked for
        assert rest is None or ast.unparse(rest.annotation) != "Any", f"{path.name}: {node.name}"  # type: ignore[attr-defined]  # ast.walk gives nodes of the kinds asked for


def test_local_names_are_nouns() -> None:
    riddles = {"found", "each", "said", "asked", "wanted"}
    for path in sources("judgebench", "app"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        fields = {id(node.target) for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)}
        bound = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        names = {node.id for node in bound if id(node) not in fields}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        assert not names & riddles, f"{path.relative_to(ROOT)}: {names & riddles}"


def test_modules_have_a_test_file_of_their_name() -> None:
    modules = [path for path in sources("judgebench") if not path.stem.startswith("__")]
    folders = [ROOT / "tests" / path.relative_to(PACKAGE).parent for path in modules]
    pairs = zip(folders, modules, strict=True)
    tested = [(folder / f"test_{path.stem.rstrip('_')}.py").exists() for folder, path in pairs]
    assert sum(tested) >= 0.85 * len(tested)


def reached(path: Path) -> Iterator[tuple[str, str]]:
    """The packages of ours that a file has as a name, each with the modules that it takes by that name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    packages = {"services.audits": "judgebench.services.audits"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "judgebench":
            packages |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (package := packages.get(ast.unparse(node.value))):
            yield package, node.attr


def test_what_is_taken_by_a_package_s_name_is_there_in_a_new_process() -> None:
    """A module that something else has loaded is there for all, until a command is the first to need it."""
    loads = {}
    for package in ("judgebench.engine", "judgebench.services", "judgebench.services.audits", "judgebench.store"):
        say = "import importlib, sys; package = importlib.import_module(sys.argv[1])"
        say += "; print(*dir(package), *package.__all__)"
        done = subprocess.run([sys.executable, "-c", say, package], capture_output=True, text=True, check=True)
        loads[package] = set(done.stdout.split())
    missing = {
        (path.name, package, name)
        for path in sources("judgebench", "app")
        for package, name in reached(path)
        if package in loads and name not in loads[package]
    }
    assert missing == set()
