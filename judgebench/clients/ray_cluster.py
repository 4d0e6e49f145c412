"""Workers on a Ray cluster: each an actor that Ray starts again where its process or its node ends.

Ray repeats no question by itself: whether one is asked again, and what that costs, is decided by whoever asks. Nothing
but names of environment variables is sent to a worker; their values are those of its own process.
"""

import asyncio
import os
import pickle
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from judgebench import __version__
from judgebench.clients.http import one_line
from judgebench.clients.workers import Opener, Worker, WorkerClient
from judgebench.errors import InputError, JudgeUnreachable, MissingExtra
from judgebench.spec.workers import RayWorkers

_LOCAL = "local"
_STORE_BYTES = 200 << 20  # questions and replies are small
_SPARE = 64  # calls of an actor beyond the questions: whether it is there, and those that were given up
_START_S = 900.0  # that one may take to be there, as where a cluster grows
_CONNECT_S = 10.0
_CLOSE_S = 30.0  # that a worker may take to end what it has started
_OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


class Connection:
    """This process's connection with a cluster, which those share that use it at once. A local cluster ends with it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._is_ours = False
        self._keepers = 0
        self._idle: dict[bytes, list[tuple[Any, Any]]] = {}  # actors that nobody asks now, by what they answer

    def open(self, workers: RayWorkers) -> Any:
        """The library, connected. Raises InputError, and MissingExtra where it is not installed."""
        if find_spec("ray") is None:
            raise MissingExtra("workers of a Ray cluster need Ray: pip install 'judgebench[ray]'")
        with self._lock:
            if "ray" not in sys.modules:
                _prepare(workers)
            ray = import_module("ray")
            if not ray.is_initialized():
                _connect(ray, workers)
                self._is_ours = True
            self._users += 1
        return ray

    def close(self, ray: Any) -> None:
        """Leave the cluster, unless others use it or somebody else's code had connected."""
        with self._lock:
            self._users -= 1
            if self._is_ours and not self._users:
                self._is_ours = False
                ray.shutdown()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Workers that are left meanwhile stay up until the end, with what they have loaded, for whoever asks the same
        next."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                left = [] if self._keepers else [actor for actors in self._idle.values() for actor in actors]
                self._idle = self._idle if self._keepers else {}
            for ray, handle in left:
                with suppress(ray.exceptions.RayError):
                    ray.get(handle.close.remote(), timeout=_CLOSE_S)
                ray.kill(handle)
                self.close(ray)

    def take(self, kind: bytes) -> Any:
        """An actor of this kind that stayed up; None where there is none."""
        with self._lock:
            actors = self._idle.get(kind)
            ray, handle = actors.pop() if actors else (None, None)
        if ray is not None:
            self.close(ray)  # whoever takes it is connected
        return handle

    def leave(self, kind: bytes, ray: Any, handle: Any) -> bool:
        """Whether it stays up, and the connection with it."""
        with self._lock:
            if self._keepers and kind:
                self._idle.setdefault(kind, []).append((ray, handle))
            return bool(self._keepers and kind)


CONNECTION = Connection()


def _prepare(workers: RayWorkers) -> None:
    """What Ray reads from the environment, which processes of a local cluster inherit: it reports nothing to its
    makers; its token is for this process and no file of the user's; and workers, which Ray would have stand back behind
    all else on the machine, run as this process does."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if workers.address != _LOCAL:
        return
    os.environ.setdefault("RAY_worker_niceness", "0")
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, workers: RayWorkers) -> None:
    """Raises InputError where no cluster answers."""
    _check_answers(workers.address)
    fields: dict[str, Any] = {}
    if workers.address == _LOCAL:
        cores = (workers.workers or 1) * workers.resources.get("CPU", 0.0)
        fields = {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
        fields["num_cpus"] = max(os.cpu_count() or 1, int(-(-cores // 1)))
    try:
        ray.init(address=workers.address, log_to_driver=False, configure_logging=False, **fields)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Ray cluster at {workers.address!r} can be used ({one_line(str(error))}): give --ray local, or auto on "
            "a node of one; its token is read from RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
        ) from error


def _check_answers(address: str) -> None:
    """Raises InputError where nobody listens at HOST:PORT, which Ray would try for many minutes."""
    host, _, port = (os.environ.get("RAY_ADDRESS", "") if address == "auto" else address).rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster answers at {host}:{port} ({error}): give the address of its head") from error


def open_workers(
    workers: RayWorkers, openers: Mapping[str, Opener], *, is_foreign: bool, concurrency: int
) -> dict[str, WorkerClient]:
    """Clients of workers by their names. ``openers``: of each address that is asked, "" where there is none; a worker
    that is started again keeps its address. ``concurrency``: questions in flight at most.

    Raises InputError where the cluster cannot be used or has no room, and MissingExtra where Ray is not installed.
    """
    ray = CONNECTION.open(workers)
    try:
        count = workers.workers or (len(openers) if "" not in openers else _room(ray, workers))
        if count < len(openers):
            raise InputError(f"{count} workers cannot ask {len(openers)} addresses: give --workers {len(openers)}")
        clients = {}
        addresses = list(openers)
        for number in range(count):
            address = addresses[number % len(addresses)]
            name = f"Ray worker {number + 1}" + (f" for {address}" if address else "")
            CONNECTION.open(workers)
            actor = _Actor(ray, name, _options(workers, concurrency), (openers[address], is_foreign))
            clients[name] = WorkerClient(name, actor)
    finally:
        CONNECTION.close(ray)
    return clients


def _room(ray: Any, workers: RayWorkers) -> int:
    """How many workers the nodes have room for. Raises InputError where it is none."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    needs = workers.resources.items()
    count = sum(min(int(node.get(name, 0.0) // amount) for name, amount in needs) for node in nodes)
    if not count:
        named = {"CPU", "GPU", *workers.resources}
        has = "; ".join(_amounts({name: node[name] for name in named & node.keys()}) for node in nodes) or "none"
        raise InputError(
            f"no node of the Ray cluster has room for a worker with {_amounts(workers.resources)}: they have {has}. "
            "Give others by --worker-resources, or --workers N where the cluster grows by itself"
        )
    return count


def _amounts(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in sorted(resources.items()))


def _options(workers: RayWorkers, concurrency: int) -> dict[str, Any]:
    """Of an actor. It is started again for ever, and no question is repeated by Ray."""
    resources = dict(workers.resources)
    options = {option: resources.pop(name, 0) for name, option in _OPTIONS.items()}
    return {name: amount for name, amount in options.items() if amount or name == "num_cpus"} | {
        "resources": resources,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": concurrency + _SPARE,
        "scheduling_strategy": "SPREAD",
    }


class _Actor:
    """A Remote: one actor, and another in its place where Ray has given it up."""

    def __init__(self, ray: Any, name: str, options: Mapping[str, Any], arguments: tuple[Opener, bool]) -> None:
        self._ray = ray
        self._name = name
        self._options = options
        self._arguments = arguments
        self._kind = _kind(name, options, arguments)
        self._handle: Any = None
        self._starting: asyncio.Task[None] | None = None

    async def call(self, method: str, *arguments: Any) -> Any:
        """See ``Remote.call``. Raises InputError where the worker runs another version of the package."""
        handle = await self._reached()
        try:
            return await self._answer(getattr(handle, method).remote(*arguments))
        except _Died as error:
            if self._handle is handle:
                self._handle = None
            raise JudgeUnreachable(str(error)) from error

    async def end(self) -> None:
        handle, self._handle = self._handle, None
        if self._starting is not None:
            self._starting.cancel()
        elif handle is not None and CONNECTION.leave(self._kind, self._ray, handle):
            return
        if handle is not None:
            with suppress(JudgeUnreachable, TimeoutError):
                await asyncio.wait_for(self._answer(handle.close.remote()), _CLOSE_S)
            self._ray.kill(handle)
        CONNECTION.close(self._ray)

    async def _reached(self) -> Any:
        """The actor, once it is there."""
        if self._handle is None and (handle := CONNECTION.take(self._kind)) is not None:
            self._handle = handle
        if self._handle is None:
            opener, is_foreign = self._arguments
            self._handle = self._ray.remote(Worker).options(**self._options).remote(opener, is_foreign=is_foreign)
            self._starting = asyncio.create_task(self._start(self._handle))
            self._starting.add_done_callback(_heard)
        if self._starting is not None:
            await asyncio.shield(self._starting)
        return self._handle

    async def _start(self, handle: Any) -> None:
        try:
            async with asyncio.timeout(_START_S):
                version = await self._answer(handle.version.remote())
        except (JudgeUnreachable, TimeoutError) as error:
            self._handle = None
            why = f"is not there after {_START_S:g} s" if isinstance(error, TimeoutError) else "cannot be started"
            raise JudgeUnreachable(f"{self._name} {why}: {error}") from error
        if version != __version__:
            raise InputError(
                f"{self._name} has judgebench {version} and this process {__version__}: install one version on every "
                "node of the cluster"
            )
        self._starting = None

    async def _answer(self, reference: Any) -> Any:
        """Raises JudgeUnreachable."""
        errors = self._ray.exceptions
        try:
            return await reference
        except asyncio.CancelledError:
            with suppress(errors.RayError, ValueError):  # it has ended
                self._ray.cancel(reference)
            raise
        except errors.RayTaskError:  # a mistake of ours, there
            raise
        except errors.ActorDiedError as error:
            raise _Died(f"{self._name} has ended: {one_line(str(error))}") from error
        except errors.RayError as error:
            raise JudgeUnreachable(f"{self._name} does not answer: {one_line(str(error))}") from error


def _kind(*parts: Any) -> bytes:
    """What tells actors that answer the same; empty where that cannot be told, of a user's function for tokens say."""
    try:
        return pickle.dumps(parts)
    except (pickle.PicklingError, AttributeError, TypeError):
        return b""


class _Died(JudgeUnreachable):
    """An actor that Ray starts no more."""


def _heard(task: "asyncio.Task[None]") -> None:
    """Nobody may wait for it any more."""
    if not task.cancelled():
        task.exception()
