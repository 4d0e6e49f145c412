"""What Ray is asked for and what its errors mean, by a Ray of ours; ``test_real_ray`` asks Ray itself."""

import asyncio
import os
import socket
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from judgebench import __version__
from judgebench.clients import ray_cluster
from judgebench.clients.scripted import ScriptedClient
from judgebench.clients.workers import Worker, WorkerClient
from judgebench.errors import InputError, JudgeUnreachable, MissingExtra
from judgebench.spec.workers import RayWorkers
from tests.clients.asking import PROMPT


class RayError(Exception):
    pass


class Actor:
    """Calls of a worker in this process; ``fails`` are raised instead, one a call."""

    def __init__(self, ray: "FakeRay", options: Mapping[str, Any], worker: Worker) -> None:
        self.ray, self.options, self.worker = ray, options, worker
        self.fails: list[Exception] = []

    def __getattr__(self, method: str) -> Any:
        return SimpleNamespace(remote=lambda *arguments: self._call(method, arguments))

    async def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        if self.ray.fails:
            raise self.ray.fails.pop(0)
        if method == "version" and self.ray.version is not None:
            return self.ray.version
        await asyncio.sleep(0)
        return await getattr(self.worker, method)(*arguments)


class FakeRay:
    """As much of Ray as is used."""

    def __init__(self) -> None:
        names = ("ActorDiedError", "ActorUnavailableError", "RayTaskError")
        kinds: dict[str, type] = {name: type(name, (RayError,), {}) for name in names}
        self.exceptions = SimpleNamespace(RayError=RayError, **kinds)
        self.actors: list[Actor] = []
        self.killed: list[Actor] = []
        self.cancelled = 0
        self.given: dict[str, Any] | None = None  # to ``init``, while it is connected
        self.refuses: Exception | None = None
        self.fails: list[Exception] = []
        self.version: str | None = None
        self.has: list[dict[str, float]] = [{"CPU": 2.0}]

    def is_initialized(self) -> bool:
        return self.given is not None

    def init(self, **fields: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.given = fields

    def shutdown(self) -> None:
        self.given = None

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": has} for has in self.has] + [{"Alive": False, "Resources": {"CPU": 64.0}}]

    def remote(self, kind: type[Worker]) -> Any:
        def start(options: Mapping[str, Any], *arguments: Any, **more: Any) -> Actor:
            self.actors.append(Actor(self, options, kind(*arguments, **more)))
            return self.actors[-1]

        return SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=lambda *given, **more: start(options, *given, **more))
        )

    def get(self, reference: Any, timeout: float) -> Any:
        return asyncio.run(reference)

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)

    def cancel(self, reference: Any) -> None:
        self.cancelled += 1


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(ray_cluster, "import_module", lambda name: fake)
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: True)
    monkeypatch.setattr(ray_cluster, "CONNECTION", ray_cluster.Connection())
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_worker_niceness", "RAY_USAGE_STATS_ENABLED", "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that whatever is set is undone
        monkeypatch.delenv(name)
    return fake


def open_coin(environment: Mapping[str, str]) -> ScriptedClient:
    return ScriptedClient(lambda prompt: "A")


def opened(concurrency: int = 8, *addresses: str, **fields: Any) -> dict[str, WorkerClient]:
    openers = dict.fromkeys(addresses or ("",), open_coin)
    return ray_cluster.open_workers(RayWorkers(**fields), openers, is_foreign=False, concurrency=concurrency)


async def used(clients: Mapping[str, WorkerClient], *, times: int = 1) -> list[str]:
    try:
        return [(await client.complete(PROMPT, {})).text for client in clients.values() for _ in range(times)]
    finally:
        await asyncio.gather(*(client.close() for client in clients.values()))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"judgebench\[ray\]"):
        opened()


def test_ray_starts_workers_for_ever_and_repeats_no_question(ray: FakeRay) -> None:
    clients = opened(32, resources={"GPU": 0.5, "tpu": 2}, workers=3)
    assert list(clients) == ["Ray worker 1", "Ray worker 2", "Ray worker 3"]
    assert asyncio.run(used(clients)) == ["A"] * 3
    for actor in ray.actors:
        assert actor.options == {
            "num_cpus": 0,
            "num_gpus": 0.5,
            "resources": {"tpu": 2},
            "max_restarts": -1,
            "max_task_retries": 0,
            "max_concurrency": 96,
            "scheduling_strategy": "SPREAD",
        }
    assert ray.killed == ray.actors
    assert not ray.is_initialized()


def test_a_cluster_of_this_machine_is_nobody_else_s(ray: FakeRay) -> None:
    clients = opened(workers=64)
    assert ray.given is not None
    assert ray.given["address"] == "local"
    assert ray.given["num_cpus"] >= 64
    assert ray.given["include_dashboard"] is False
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    asyncio.run(used(clients))


def test_a_connection_of_somebody_else_s_code_is_used_and_left(ray: FakeRay) -> None:
    ray.init(address="theirs")
    asyncio.run(used(opened()))
    assert ray.given == {"address": "theirs"}


def test_two_judges_at_once_share_a_connection(ray: FakeRay) -> None:
    one, other = opened(workers=1), opened(workers=1)
    asyncio.run(used(one))
    assert ray.is_initialized()
    asyncio.run(used(other))
    assert not ray.is_initialized()


def test_workers_of_an_audit_stay_up_between_its_runs(ray: FakeRay) -> None:
    with ray_cluster.CONNECTION.kept():
        for _ in range(3):
            assert asyncio.run(used(opened(workers=2))) == ["A"] * 2
            assert ray.is_initialized()
        asyncio.run(used(opened(workers=1, resources={"CPU": 2})))  # of another kind
        assert len(ray.actors) == 3
        assert not ray.killed
    assert len(ray.killed) == 3
    assert not ray.is_initialized()


def test_as_many_workers_as_have_room(ray: FakeRay) -> None:
    ray.has = [{"CPU": 3.0, "GPU": 1.0}, {"CPU": 8.0, "GPU": 4.0}, {"CPU": 64.0}]
    assert len(opened(resources={"GPU": 1})) == 5
    assert len(opened(resources={"GPU": 1, "CPU": 4})) == 2
    assert len(opened(8, "http://a/v1", "http://b/v1")) == 2  # one an address
    assert list(opened(8, "http://a/v1", "http://b/v1", workers=3))[2] == "Ray worker 3 for http://a/v1"


def test_no_room_says_what_nodes_have(ray: FakeRay) -> None:
    with pytest.raises(InputError, match=r"room for a worker with GPU 1: they have CPU 2\. Give others"):
        opened(resources={"GPU": 1})
    with pytest.raises(InputError, match="1 workers cannot ask 2 addresses"):
        opened(8, "http://a/v1", "http://b/v1", workers=1)
    assert not ray.is_initialized()


def test_a_cluster_that_cannot_be_used_is_bad_input(ray: FakeRay) -> None:
    ray.refuses = ConnectionError("Could not find any running Ray instance")
    with pytest.raises(InputError, match=r"no Ray cluster at 'auto' can be used .*RAY_AUTH_TOKEN"):
        opened(address="auto")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with pytest.raises(InputError, match=f"no Ray cluster answers at 127.0.0.1:{free}"):
        opened(address=f"127.0.0.1:{free}")


def test_a_worker_that_is_away_is_asked_again_and_one_that_died_is_replaced(ray: FakeRay) -> None:
    clients = opened(workers=1)
    [client] = clients.values()
    errors = ray.exceptions

    async def asking() -> None:
        assert await client.check() is None
        for error, why, actors in (
            (errors.ActorUnavailableError("restarting"), "Ray worker 1 does not answer: restarting", 1),
            (errors.ActorDiedError("no restarts\nleft"), "Ray worker 1 has ended: no restarts left", 1),
            (errors.ActorDiedError("ModuleNotFoundError"), "cannot be started: .*ModuleNotFoundError", 2),
        ):
            ray.fails = [error]
            with pytest.raises(JudgeUnreachable, match=why):
                await client.complete(PROMPT, {})
            assert len(ray.actors) == actors
        assert await used(clients) == ["A"]

    asyncio.run(asking())
    assert len(ray.actors) == 3


def test_a_mistake_of_ours_in_a_worker_is_not_hidden(ray: FakeRay) -> None:
    [client] = opened(workers=1).values()

    async def asking() -> None:
        await client.check()
        ray.fails = [ray.exceptions.RayTaskError("TypeError")]
        await client.complete(PROMPT, {})

    with pytest.raises(RayError, match="TypeError"):
        asyncio.run(asking())


def test_a_question_that_is_given_up_is_given_up_there(ray: FakeRay) -> None:
    [client] = opened(workers=1).values()

    async def asking() -> None:
        await client.check()
        question = asyncio.create_task(client.complete(PROMPT, {}))
        await asyncio.sleep(0)  # it is sent
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question

    asyncio.run(asking())
    assert ray.cancelled == 1


def test_another_version_of_the_package_is_refused(ray: FakeRay) -> None:
    ray.version = "0.0.1"
    with pytest.raises(InputError, match=f"Ray worker 1 has judgebench 0.0.1 and this process {__version__}"):
        asyncio.run(used(opened(workers=1)))
