"""Whoever follows CONTRIBUTING.md gets what it promises: each addition is made in a temporary package, and used."""

import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from judgebench import services
from judgebench.formats import registry as formats
from judgebench.leaderboard import METHODS, Choices
from judgebench.resources import folder
from judgebench.services.audits.registry import AUDITS
from judgebench.store.database import Database
from tests.app.conftest import demo_database  # noqa: F401  # a fixture
from tests.cli.conftest import Invoke, invoke  # noqa: F401  # a fixture
from tests.formats.writing import write_rows

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with every file that the page shows."""
    place = tmp_path / "package"
    for name, text in BLOCKS.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    monkeypatch.syspath_prepend(str(place))
    return place


@pytest.fixture
def quiz(invoke: Invoke, outputs: Callable[..., Path]) -> Invoke:  # noqa: F811
    """The command line on a benchmark with two models."""
    for model in ("one", "two"):
        assert invoke("submit", outputs(model), "--model", model, "--benchmark", "quiz").code == 0
    return invoke


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[..., Path]:
    def write(model: str) -> Path:
        rows = [{"instruction": f"Question {n}", "output": f"{model} says {n}" if n else " "} for n in range(4)]
        return write_rows(tmp_path / f"{model}.csv", rows)

    return write


def test_a_provider_of_another_package_judges(package: Path, quiz: Invoke) -> None:
    points = tomllib.loads(BLOCKS["pyproject.toml"])["project"]["entry-points"]["judgebench.providers"]
    info = package / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[judgebench.providers]", *lines]))
    ran = quiz("run", "--benchmark", "quiz", "--judge", "acme:large", "--template", "pairwise/two-way", "--all-pairs")
    assert ran.code == 0, ran.err
    assert "8 planned, 6 ok, 2 tie" in ran.out


def test_a_template_is_a_file(package: Path, quiz: Invoke) -> None:
    template = package / "brief.v1.md"
    ran = quiz("run", "--benchmark", "quiz", "--judge", "scripted:always-first", "--template", template, "--all-pairs")
    assert ran.code == 0, ran.err
    assert "8 planned, 6 ok, 2 tie" in ran.out


def test_a_format_is_recognised(package: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, import_module("quiz_format").QUIZ))
    write_rows(Path("q.csv"), [{"quiz_question": "Why?", "quiz_topic": "reasons"}])
    imported = invoke("import", "q.csv", "--benchmark", "quiz")
    assert imported.code == 0, imported.err
    assert "quiz" in imported.out + imported.err
    assert "reasons" in invoke("benchmarks", "--format", "json").out


def test_a_method_ranks(package: Path, quiz: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "clear-wins", import_module("entry_of_clear_wins").ENTRY)
    quiz("run", "--benchmark", "quiz", "--judge", "scripted:always-first", "--all-pairs")
    database = Database("judgebench.db")
    board = services.leaderboards.leaderboard(database, "quiz", choices=Choices(method="clear-wins"))
    database.close()
    assert [row.rating for row in board.rows] == [0.375, 0.375]  # of 8 battles with two ties each wins three


def test_an_audit_finds(package: Path, quiz: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AUDITS, "empty", import_module("empty_outputs").ENTRY)
    report = quiz("audit", "empty", "--benchmark", "quiz", "--format", "json")
    assert report.code in (0, 1), report.err
    assert {finding["model"] for finding in report.json["findings"]} == {"one", "two"}


def test_a_page_is_shown(package: Path, demo_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
    frame = package / "app_with_page"
    shutil.copytree(folder("app"), frame, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(package / "screens" / "instructions.py", frame / "screens" / "instructions.py")
    main = frame / "main.py"
    entry = 'st.Page("screens/vote.py", title="Vote"),'
    text = main.read_text(encoding="utf-8")
    assert entry in text
    main.write_text(text.replace(entry, entry + '\n        st.Page("screens/instructions.py", title="Instructions"),'))
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    app = testing.AppTest.from_file(str(main), default_timeout=120).run()
    app.switch_page("screens/instructions.py").run()
    assert not app.exception
    assert "demo has 45 instructions." in [element.value for element in app.text]
