"""Whatever the package defines is reached from a door: the command line, Python or the web app, not tests or bench."""

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOORS = ("app", "judgebench.api", "judgebench.cli", "judgebench.server", "judgebench.__main__")
Name = tuple[str, str]  # module, name defined at its top level


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Code:
    """Top-level definitions of the package and the app, and which of them each mentions."""

    def __init__(self) -> None:
        files = [path for folder in ("judgebench", "app") for path in (ROOT / folder).rglob("*.py")]
        self.trees = {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}
        self.imports: dict[Name, tuple[str, str | None]] = {}
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        self.imports[module, alias.asname or alias.name] = (node.module, alias.name)
                elif isinstance(node, ast.Import):
                    for alias in node.names:
                        self.imports[module, alias.asname or alias.name.split(".")[0]] = (alias.name, None)

    @cached_property
    def definitions(self) -> dict[Name, ast.stmt]:
        return {
            (module, name): node for module, tree in self.trees.items() for node in tree.body for name in names(node)
        }

    def resolved(self, module: str, name: str, seen: tuple[Name, ...] = ()) -> Name | None:
        if (module, name) in self.definitions:
            return module, name
        source = self.imports.get((module, name))
        if source is None or source[1] is None or (module, name) in seen:
            return None
        return self.resolved(source[0], source[1], (*seen, (module, name)))

    def mentions(self, module: str, node: ast.AST) -> Iterator[Name]:
        """What a statement names: by itself, as an attribute of a module, or in a string."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                yield from filter(None, [self.resolved(module, inner.id)])
            elif isinstance(inner, ast.Attribute):
                yield from filter(None, [self._attribute(module, inner)])
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield from self._written(module, inner.value)

    def _written(self, module: str, text: str) -> Iterator[Name]:
        """``module:function``, or its end in an f-string that begins with the package; or a name that is offered."""
        if written := re.fullmatch(r"(\.?[\w.]+):(\w+)", text):
            package = module.rpartition(".")[0] if text.startswith(".") else ""
            yield from filter(None, [self.resolved(package + written[1], written[2])])
            return
        yield from filter(None, [self.resolved(module, text)])
        offered = ".".join(filter(None, self.imports.get((module, text), ())))
        if offered in self.trees:  # a module as a whole
            yield from (name for name in self.definitions if name[0] == offered)

    def _attribute(self, module: str, node: ast.Attribute) -> Name | None:
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            inner = inner.value
        source = self.imports.get((module, inner.id)) if isinstance(inner, ast.Name) else None
        if source is None:
            return None
        place = source[0] if source[1] is None else f"{source[0]}.{source[1]}"
        for name in names:
            if place in self.trees and (found := self.resolved(place, name)):
                return found
            place = f"{place}.{name}"
        return None


def names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]


def unreached() -> list[str]:
    code = Code()
    waiting = [name for name in code.definitions if name[0].startswith(DOORS) or name[0] == "judgebench"]
    for module, tree in code.trees.items():  # what a module does when it is imported
        waiting += [name for node in tree.body if isinstance(node, ast.Expr | ast.For | ast.With | ast.Try | ast.If)
                    for name in code.mentions(module, node)]  # fmt: skip
    reached: set[Name] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += code.mentions(name[0], code.definitions[name])
    return [f"{module}.{name}" for module, name in code.definitions
            if (module, name) not in reached and not name.startswith("__")]  # fmt: skip


def test_nothing_is_defined_that_no_door_reaches() -> None:
    assert unreached() == []


def exported() -> list[tuple[Path, list[str]]]:
    """The modules of statistics with the functions that they offer."""
    offered = []
    for path in sorted((ROOT / "judgebench" / "stats").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and names(node) == ["__all__"]:
                listed = ast.literal_eval(node.value)
                offered.append((path, [name for name in listed if name.islower()]))
    return offered


@pytest.mark.parametrize(
    ("path", "functions"), exported(), ids=lambda value: value.stem if isinstance(value, Path) else ""
)
def test_every_statistic_that_is_offered_is_documented(path: Path, functions: list[str]) -> None:
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert [name for name in functions if not re.search(rf"\b{name}\b", page)] == [], path.name
