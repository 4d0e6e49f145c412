"""Every command and every Python block of the README and docs/ does what the page says.

A block marked ``console`` holds commands, each after ``$ ``, with lines of what they print under them: those lines must
occur in this order in what is printed, white space aside, and ``...`` stands for anything. Commands that need a
server, a key, a browser or a network stand in ``text`` blocks and are not run. A page's blocks share a working folder,
in which the reader's checkout is represented by ``demo/``.
"""

import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from judgebench.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CITING = [*(page for page in PAGES if page.name != "CHANGELOG.md"), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
_CITED = re.compile(
    r"(?<![\w./-])((?:tests|judgebench|app|bench)/[\w./-]*[\w/])"  # a path
    r"|`((?:judgebench|app)(?:\.\w+)+)[`(]|(?<![\w./-])(bench\.\w+)"  # a module, or what is in it
)
_NO_FILES = {"judgebench.db", "judgebench.providers", "judgebench/_bundled/"}  # a database, an entry point, in wheels
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True, slots=True)
class Step:
    """A command, or a Python block, with the lines that must be printed."""

    words: tuple[str, ...]
    shown: tuple[str, ...]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def steps(page: Path) -> Iterator[Step]:
    for kind, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            yield Step((sys.executable, "-c", body), ())
        elif kind == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, *shown = part.splitlines()
                yield Step(("bash", "-c", command), tuple(line for line in shown if line.strip()))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def follows(shown: tuple[str, ...], printed: str) -> bool:
    """Whether the lines occur in ``printed`` in their order."""
    lines = iter([squeezed(line) for line in printed.splitlines()])
    for line in shown:
        pattern = ".*".join(re.escape(squeezed(part)) for part in line.split("..."))
        if line.strip() != "..." and not any(re.fullmatch(pattern, each) for each in lines):
            return False
    return True


def in_this_process(command: str) -> list[str] | None:
    """The arguments of a plain ``judgebench`` command, which need not pay for a start of Python; None where a shell is
    needed."""
    if not command.startswith("judgebench ") or re.search(r"[|<>$`;&*]", command):
        return None
    return shlex.split(command)


def called(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", arguments)
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    return code, printed.err + printed.out


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(steps(page))], ids=name)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "demo", tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.startswith("JUDGEBENCH")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for step in steps(page):
        arguments = in_this_process(step.words[-1])
        if arguments is not None:
            code, printed = called(arguments, capsys, monkeypatch)
        else:
            done = subprocess.run(step.words, capture_output=True, text=True, check=False)
            code, printed = done.returncode, done.stderr + done.stdout
        assert code == 0, f"{step.words[-1]}\n{printed}"
        assert follows(step.shown, printed), f"{step.words[-1]}\nprinted\n{printed}\nand the page shows\n{step.shown}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "images/" in target and not (ROOT / "docs" / "images").is_dir():
            continue  # pictures are made by `make docs`, all at once
        assert (page.parent / target).exists(), f"{name(page)} links to {target}"


def exists(cited: str) -> bool:
    """Whether a path, or a module with or without what is in it, is there."""
    if "/" in cited:
        return (ROOT / cited).exists()
    if cited.startswith("judgebench."):
        try:
            return bool(pkgutil.resolve_name(cited))
        except (ImportError, AttributeError):
            return False
    path = ROOT.joinpath(*cited.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


@pytest.mark.parametrize("page", CITING, ids=name)
def test_files_and_modules_that_are_cited_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    cited = {"".join(match) for match in _CITED.findall(text)} - _NO_FILES
    assert not [words for words in sorted(cited) if not exists(words)]


def test_every_command_has_its_section() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)
    described = {word for heading in headings for word in heading.split(", ")}
    assert described == set(COMMANDS)


def test_every_page_is_linked() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if (page.parent / target).exists()
    }
    for page in PAGES[1:]:
        assert page.resolve() in linked, f"no page links to {name(page)}"


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        (("a  b", "...", "d"), "x\na b\nc\n d ", True),
        (("d", "a b"), "a b\nd", False),
        (("1 new, ...",), "1 new, 2 old", True),
        (("1 new, ...",), "21 new, 2 old", False),
        (("a.c",), "abc", False),
    ],
)
def test_lines_are_compared_in_order_and_white_space_aside(
    shown: tuple[str, ...], printed: str, expected: bool
) -> None:
    assert follows(shown, printed) is expected
