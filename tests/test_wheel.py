"""The built wheel, installed into an empty environment outside the checkout, does all that the checkout does.

The environment sees this one's packages through a .pth file, which does not process the .pth files found there, so
that an editable installation of the checkout stays out of sight and no network is needed.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUNDLED = ("prompts", "migrations", "demo", "app")

# As `judgebench app` does: the folder above the bundled app is where its modules are imported from.
_SHOW = """
import sys
from judgebench.resources import folder
from streamlit.testing.v1 import AppTest
sys.path.insert(0, str(folder("app").parent))
page = AppTest.from_file(str(folder("app") / "main.py"), default_timeout=60).run()
assert not page.exception, page.exception
print([html.proto.body for html in page.get("html")])
"""

pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUDGEBENCH"))}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs a program of the environment in which the wheel is installed, in a folder outside the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=False)
    binaries = folder / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", binaries / "python"]
    _run(*pip, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    [site] = (folder / "env" / "lib").glob("python*/site-packages")
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "packages_of_the_tests.pth").write_text("\n".join(sorted(here)), encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    return lambda program, *words: _run(binaries / program, *words, cwd=work)


def test_a_wheel_carries_the_folders_that_lie_beside_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in BUNDLED:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"judgebench/_bundled/{path.relative_to(ROOT).as_posix()}" in names
    assert "judgebench/py.typed" in names


def test_a_wheel_carries_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"judgebench"}
    assert not [name for name in names if "test" in name.lower() or "__pycache__" in name or name.endswith(".db")]


def test_a_wheel_carries_its_bill_of_materials(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if "/sboms/" in name]
        assert name.endswith(".dist-info/sboms/sbom.cdx.json")
        assert archive.read(name) == (ROOT / "sbom.cdx.json").read_bytes()


def test_the_installed_package_is_the_one_that_runs(elsewhere: Callable[..., str]) -> None:
    found = elsewhere("python", "-c", "import judgebench; print(judgebench.__file__, judgebench.__version__)")
    path, version = found.split()
    assert ROOT not in Path(path).parents
    assert elsewhere("judgebench", "--version").split() == ["judgebench", version]


def test_templates_are_found(elsewhere: Callable[..., str]) -> None:
    listed = {each["template"] for each in json.loads(elsewhere("judgebench", "templates", "--format", "json"))}
    files = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "prompts").glob("*/*.md")}
    assert listed == files


@pytest.fixture(scope="module")
def judged(elsewhere: Callable[..., str]) -> dict[str, int]:
    """What a run says that judged two of the bundled sets of outputs."""
    where = "from judgebench.resources import folder; print(folder('demo') / 'outputs')"
    outputs = Path(elsewhere("python", "-c", where).strip())
    for name in ("demo-careful", "demo-hasty"):
        elsewhere("judgebench", "submit", outputs / f"{name}.json", "--model", name, "--benchmark", "b")
    run = ("run", "--benchmark", "b", "--judge", "scripted:coin", "--all-pairs", "--format", "json")
    counts: dict[str, int] = json.loads(elsewhere("judgebench", *run))
    return counts


def test_submit_judge_and_rank_work(elsewhere: Callable[..., str], judged: dict[str, int]) -> None:
    assert judged["planned"] == 90
    board = json.loads(elsewhere("judgebench", "leaderboard", "--benchmark", "b", "--format", "json"))
    assert [row["battles"] for row in board["rows"]] == [45, 45]


@pytest.mark.skipif(not (ROOT / "app").is_dir(), reason="this checkout has no app/")
@pytest.mark.usefixtures("judged")
def test_the_app_shows_its_leaderboard(elsewhere: Callable[..., str]) -> None:
    assert "demo-careful" in elsewhere("python", "-c", _SHOW)
