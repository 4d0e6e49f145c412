"""What asks judges and models, also inside an event loop that is running already, as a notebook's is."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from judgebench import engine
from judgebench.spec import make_generation, make_study
from judgebench.store.database import Database

__all__ = ["answer", "run", "settle"]

Report = TypeVar("Report")


def run(
    database: Database,
    *,
    benchmark: str,
    judge: str | Mapping[str, Any] = "embedded",
    on_progress: engine.runner.OnProgress | None = None,
    **design: Any,
) -> engine.run.RunReport:
    """Ask the judge every trial that has no answer yet; calling it again continues a stopped run.

    ``judge``: "embedded", "scripted:NAME", or the fields of ``spec.JudgeSpec``, such as ``{"model": ..., "url": ...,
    "key_env": ..., "template": ...}``. ``design``: the other fields of ``spec.Study``, such as ``baseline`` or
    ``all_pairs=True``, and ``models``, ``orders``, ``limit``, ``max_cost``. An interrupt ends what is in flight, stores
    it and returns.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses.
    """
    asked = {"model": judge} if isinstance(judge, str) else dict(judge)
    wanted = make_study({"benchmark": benchmark, "judge": asked, **design}, where="run")

    def work(watch: engine.runner.OnProgress | None) -> engine.run.RunReport:
        return engine.run.run(database, wanted, environment=dict(os.environ), on_progress=watch)

    return _worked(work, on_progress)


def settle(
    database: Database,
    *,
    benchmark: str,
    judge: str | Mapping[str, Any] = "embedded",
    on_progress: engine.runner.OnProgress | None = None,
    **question: Any,
) -> engine.adaptive.Settlement:
    """Compare adaptively until a question is settled or ``budget`` trials are spent; calling it again continues.

    ``question``: ``better=("a", "b")``, ``top=k``, or neither for the whole ranking, with ``budget`` and ``error``; and
    the fields of ``spec.Study`` that ``run`` takes. The error rate holds however often it is looked at.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses.
    """
    asked = {"model": judge} if isinstance(judge, str) else dict(judge)
    fields = {"benchmark": benchmark, "judge": asked, "design": "adaptive", **question}
    wanted = make_study(fields, where="settle")

    def work(watch: engine.runner.OnProgress | None) -> engine.adaptive.Settlement:
        return engine.adaptive.settle(database, wanted, environment=dict(os.environ), on_progress=watch)

    return _worked(work, on_progress)


def answer(
    database: Database,
    *,
    benchmark: str,
    model: str | Mapping[str, Any],
    on_progress: engine.runner.OnProgress | None = None,
    **collection: Any,
) -> engine.answer.AnswerReport:
    """Collect a model's outputs to a benchmark's instructions; calling it again continues, and asks for none twice.

    ``model``: "embedded", "scripted:echo", or the fields of ``spec.Served``, such as ``{"model": ..., "url": ...,
    "key_env": ..., "settings": {"temperature": 0}}``. ``collection``: ``name``, under which the outputs are stored, and
    the other fields of ``spec.Generation``, such as ``system``, ``limit`` and ``max_cost``.

    Raises InputError, and JudgeError when the server cannot be reached or refuses.
    """
    served = {"model": model} if isinstance(model, str) else dict(model)
    name = collection.pop("name", served.get("model"))
    fields = {"benchmark": benchmark, "generator": served, "model": name, **collection}
    wanted = make_generation(fields, where="answer")

    def work(watch: engine.runner.OnProgress | None) -> engine.answer.AnswerReport:
        return engine.answer.answer(database, wanted, environment=dict(os.environ), on_progress=watch)

    return _worked(work, on_progress)


def _worked(
    work: Callable[[engine.runner.OnProgress | None], Report], on_progress: engine.runner.OnProgress | None
) -> Report:
    """``work``, also where an event loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work(on_progress)
    return _in_thread(work, on_progress)


def _in_thread(
    work: Callable[[engine.runner.OnProgress], Report], on_progress: engine.runner.OnProgress | None
) -> Report:
    """A run in an event loop of its own; an interrupt here ends it as an interrupt there would."""
    interrupted = threading.Event()

    def watch(tally: Any, calls: int) -> bool:
        asked_to_stop = on_progress is not None and on_progress(tally, calls)
        return bool(asked_to_stop) or interrupted.is_set()

    with ThreadPoolExecutor(1) as elsewhere:
        running = elsewhere.submit(work, watch)
        try:
            return running.result()
        except KeyboardInterrupt:
            interrupted.set()
            return running.result()
