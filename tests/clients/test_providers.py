"""Judge providers: ours by the table, others' by entry points, and what a provider may not do."""

import asyncio
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.providers import PROVIDERS, GuardedClient, provider_of
from judgebench.errors import InputError, JudgeError
from judgebench.judging.templates import LikelihoodScale, RewardScale
from judgebench.records import ChatPrompt, Completion, TokenLogprob
from judgebench.spec import JudgeSpec
from tests.cli.conftest import Invoke, invoke, outputs, submitted
from tests.clients.asking import ask

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


def leaving(access):
    raise SystemExit(4)


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
        ("vllm", URL, None, "openai"),
        ("vllm:m", None, None, "vllm"),
        ("vllm:m", None, LikelihoodScale(), "vllm"),
        ("vllm:m", None, RewardScale(), "vllm-reward"),
    ],
)
def test_a_provider_is_known_by_the_models_name_and_by_what_is_asked(
    model: str, url: str | None, scale: Any, name: str
) -> None:
    assert provider_of(JudgeSpec(model=model, url=url), scale) is PROVIDERS[name]


def test_an_address_is_given_where_one_is_needed() -> None:
    with pytest.raises(InputError, match="judge 'gpt' needs an address: give --judge-url"):
        provider_of(JudgeSpec(model="gpt"), None)
    with pytest.raises(
        InputError, match=r"no installed provider 'acme' \(known: any-llm, azure, .*scripted, vllm, vllm-offline\)"
    ):
        provider_of(JudgeSpec(model="acme:large"), None)
    with pytest.raises(InputError, match="did you mean 'scripted:coin'"):
        provider_of(JudgeSpec(model="coin"), None)
    with pytest.raises(InputError, match="runs in this process"):
        provider_of(JudgeSpec(model="embedded", url=URL), None)
    with pytest.raises(InputError, match="'vllm:m' is started for the run and has no address"):
        provider_of(JudgeSpec(model="vllm:m", url=URL), None)
    with pytest.raises(InputError, match="'vllm:' names no model of its provider: give vllm:MODEL"):
        provider_of(JudgeSpec(model="vllm:"), None)


def test_an_installed_package_brings_a_provider(package: Any, submitted: Invoke) -> None:
    package(parrot="parrots:Parrot")
    study = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")
    ran = submitted("run", "--judge", "parrot:A", *study)
    assert (ran.code, ran.json["ok"], ran.json["cost_usd"]) == (0, 8, 0.0), ran.err
    mute = submitted("run", "--judge", "parrot:mute", *study)
    assert (mute.code, mute.json["failed"]) == (3, 8)
    assert "KeyError: 'no voice'" in mute.err
    assert "by another package" in submitted("judges", "list").out
    assert "is asked by another package" in submitted("judges", "test", "parrot:A").out


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("parrots:broken", "cannot be opened: RuntimeError: no licence"),
        ("parrots:absent", "cannot be opened: AttributeError"),
        ("no_such_module:x", "cannot be opened: ModuleNotFoundError"),
        ("parrots:leaving", "cannot be opened: SystemExit: 4"),
        ("parrots:nothing", "str is no client of a judge"),
    ],
)
def test_a_broken_provider_is_one_clear_error(package: Any, submitted: Invoke, value: str, message: str) -> None:
    package(parrot=value)
    ran = submitted("run", "--judge", "parrot:A", "--benchmark", "bench", "--all-pairs")
    assert (ran.code, ran.out) == (2, "")
    assert message in " ".join(ran.err.split())


def test_a_name_of_ours_is_refused(package: Any) -> None:
    package(openai="parrots:Parrot", parrot="parrots:Parrot")
    with pytest.raises(InputError, match="brings a judge provider 'openai'"):
        provider_of(JudgeSpec(model="openai:gpt", url=URL), None)
    assert provider_of(JudgeSpec(model="parrot:A"), None).opener == "parrots:Parrot"  # no other is touched by it
    assert provider_of(JudgeSpec(model="llama3:8b", url=URL), None) is PROVIDERS["openai"]


def test_a_provider_is_asked_for_a_model(package: Any) -> None:
    package(parrot="parrots:Parrot")
    with pytest.raises(InputError, match="'parrot:' names no model of its provider: give parrot:MODEL"):
        provider_of(JudgeSpec(model="parrot:"), None)


class Returning:
    """A client that returns or raises what it is given, and is broken wherever else it can be."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    @property
    def calls(self) -> int:
        raise KeyError("calls")

    async def complete(self, prompt: Any, settings: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        raise RuntimeError("no handle")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("A", "returned str, not a Completion"),
        (None, "returned NoneType, not a Completion"),
        (Completion(5), "a Completion with text '5'"),  # type: ignore[arg-type]  # wrong on purpose
        (Completion(None), "a Completion with text 'None'"),  # type: ignore[arg-type]  # wrong on purpose
        (Completion("A", prompt_tokens=-1), "prompt_tokens '-1'"),
        (Completion("A", completion_tokens=2**31), "completion_tokens '2147483648'"),
        (Completion("A", prompt_tokens=1.5), "prompt_tokens '1.5'"),  # type: ignore[arg-type]  # wrong on purpose
        (Completion("A", cost_usd=math.nan), "cost_usd 'nan'"),
        (Completion("A", cost_usd=-1.0), "cost_usd '-1.0'"),
        (Completion("A", latency_s=math.inf), "latency_s 'inf'"),
        (Completion("A", logprobs=5), "TypeError"),  # type: ignore[arg-type]  # wrong on purpose
        (asyncio.CancelledError("mine"), "CancelledError: mine"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration("over"), "StopIteration"),
    ],
)
def test_what_foreign_code_does_wrong_is_a_failed_question(answer: Any, message: str) -> None:
    client = GuardedClient(Returning(answer))
    with pytest.raises(JudgeError, match=re.escape(message)):
        ask(client)
    assert client.calls == 1


def test_a_foreign_reply_is_cleaned_as_a_servers_is() -> None:
    logprobs = [TokenLogprob("A\0", -math.inf, [("B\0", -1)])]  # type: ignore[arg-type,list-item]  # wrong on purpose
    reply = Completion("A\0", reasoning="\ud800", logprobs=logprobs, cost_usd=0)  # type: ignore[arg-type]  # wrong on purpose
    cleaned = (TokenLogprob("A\ufffd", -9999.0, (("B\ufffd", -1.0),)),)
    expected = Completion("A\ufffd", reasoning="\ufffd", logprobs=cleaned, cost_usd=0)
    assert ask(GuardedClient(Returning(reply))) == expected


def test_a_question_that_somebody_cancels_is_cancelled() -> None:
    class Patient(Returning):
        async def complete(self, prompt: Any, settings: Any) -> Any:
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(GuardedClient(Patient(None)).complete(ChatPrompt(()), {}))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_a_client_that_cannot_be_closed_is_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="could not be closed: RuntimeError: no handle"):
        asyncio.run(GuardedClient(Returning(None)).close())
