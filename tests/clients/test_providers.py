"""Judge providers: ours by the table, others' by entry points, and what a provider may not do."""

import sys
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.providers import PROVIDERS, provider_of
from judgebench.errors import InputError
from judgebench.judging.templates import LikelihoodScale, RewardScale
from judgebench.spec import JudgeSpec
from tests.cli.conftest import Invoke, invoke, outputs, submitted

__all__ = ["invoke", "outputs", "submitted"]  # fixtures

URL = "http://127.0.0.1:9/v1"
MODULE = """
from judgebench.records import Completion


class Parrot:
    def __init__(self, access):
        self.model = access.model

    async def complete(self, prompt, settings):
        if self.model == "mute":
            raise KeyError("no voice")
        return Completion(self.model, model="parrot", cost_usd=0.0)

    async def close(self):
        pass


def broken(access):
    raise RuntimeError("no licence")


def nothing(access):
    return access.model
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a package whose entry points are these."""

    def install(**points: str) -> None:
        about = tmp_path / "site" / "parrots-1.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        (about.parent / "parrots.py").write_text(MODULE)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: parrots\nVersion: 1\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (about / "entry_points.txt").write_text("\n".join(["[judgebench.providers]", *lines, ""]))
        monkeypatch.syspath_prepend(str(about.parent))
        monkeypatch.delitem(sys.modules, "parrots", raising=False)

    return install


@pytest.mark.parametrize(
    ("model", "url", "scale", "name"),
    [
        ("embedded", None, LikelihoodScale(), "embedded"),
        ("scripted:coin", None, None, "scripted"),
        ("python:mine@1", None, None, "python"),
        ("gpt", URL, None, "openai"),
        ("llama3:8b", URL, None, "openai"),
        ("gpt", URL, LikelihoodScale(), "likelihood"),
        ("gpt", URL, RewardScale(), "reward"),
    ],
)
def test_a_provider_is_known_by_the_models_name_and_by_what_is_asked(
    model: str, url: str | None, scale: Any, name: str
) -> None:
    assert provider_of(JudgeSpec(model=model, url=url), scale) is PROVIDERS[name]


def test_an_address_is_given_where_one_is_needed() -> None:
    with pytest.raises(InputError, match="judge 'gpt' needs an address: give --judge-url"):
        provider_of(JudgeSpec(model="gpt"), None)
    with pytest.raises(InputError, match="runs in this process"):
        provider_of(JudgeSpec(model="embedded", url=URL), None)


def test_an_installed_package_brings_a_provider(package: Any, submitted: Invoke) -> None:
    package(parrot="parrots:Parrot")
    study = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")
    ran = submitted("run", "--judge", "parrot:A", *study)
    assert (ran.code, ran.json["ok"], ran.json["cost_usd"]) == (0, 8, 0.0), ran.err
    mute = submitted("run", "--judge", "parrot:mute", *study)
    assert (mute.code, mute.json["failed"]) == (3, 8)
    assert "KeyError: 'no voice'" in mute.err


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("parrots:broken", "cannot be opened: RuntimeError: no licence"),
        ("parrots:absent", "cannot be opened: AttributeError"),
        ("no_such_module:x", "cannot be opened: ModuleNotFoundError"),
        ("parrots:nothing", "str is no client of a judge"),
    ],
)
def test_a_broken_provider_is_one_clear_error(package: Any, submitted: Invoke, value: str, message: str) -> None:
    package(parrot=value)
    ran = submitted("run", "--judge", "parrot:A", "--benchmark", "bench", "--all-pairs")
    assert (ran.code, ran.out) == (2, "")
    assert message in " ".join(ran.err.split())


def test_a_name_of_ours_is_refused(package: Any) -> None:
    package(scripted="parrots:Parrot", parrot="parrots:Parrot")
    with pytest.raises(InputError, match="brings a judge provider 'scripted'"):
        provider_of(JudgeSpec(model="parrot:A"), None)
