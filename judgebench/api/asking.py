"""What asks judges and models, also inside an event loop that is running already, as a notebook's is."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from typing import Any, TypeVar

import pandas as pd

from judgebench import engine, services, spec
from judgebench.api.data import Names, frame_of, names_of
from judgebench.errors import InputError
from judgebench.records import HumanLabel, Judge
from judgebench.spec import make_generation, make_study
from judgebench.stats.planning import PlannedComparison
from judgebench.store.database import Database

__all__ = [
    "add_judge", "answer", "audit_results", "human_queue", "judges", "plan", "run", "runs", "settle", "templates",
    "vote",
]  # fmt: skip

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


def plan(
    database: Database | None = None,
    *,
    difference: float = 0.05,
    instructions: int | None = None,
    benchmark: str | None = None,
    judge: Names = (),
    sd: float | None = None,
    correlation: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
) -> services.leaderboards.SamplePlan:
    """How many instructions tell two win rates apart that lie ``difference`` apart, and what a number of them tells.

    ``sd``, in [0, 0.5], is of one model's preference over instructions: where it is not given it is learned from the
    verdicts on ``benchmark``, and 0.5 at most. ``correlation``, in [-1, 1), is of two models' preferences.

    Raises UnknownName, and StatisticsError for a number out of its range or fewer than two models with verdicts.
    """
    learned = None
    if benchmark is not None:
        if database is None:
            raise InputError("say in which database the benchmark is: judgebench.plan(db, benchmark=...)")
        numbers = () if instructions is None else (instructions,)
        learned = services.leaderboards.pilot(database, benchmark, judges=names_of(judge), planned=numbers, level=level)
    sd = sd if sd is not None else 0.5 if learned is None else learned.sd
    comparison = PlannedComparison(difference, sd=sd, correlation=correlation, level=level, power=power)
    return services.leaderboards.sample_plan(comparison, instructions=instructions, learned=learned)


def vote(
    database: Database,
    *,
    benchmark: str,
    annotator: str,
    instruction: str,
    first: str,
    second: str,
    preference: float,
    both_bad: bool = False,
) -> bool:
    """Store what a person says who saw the output of model ``first`` first; ``preference`` in [0, 1] is for that one.

    ``instruction`` is its key, as ``battles`` lists it; ``both_bad`` goes with 0.5.

    Returns: False where the very same was stored before.

    Raises UnknownName, InputError for an unusable label, and Conflict where this person said something else.
    """
    label = HumanLabel.of(annotator, instruction, first=first, second=second, preference=preference, both_bad=both_bad)
    return services.labels.vote(database, benchmark, label)


def human_queue(
    database: Database, *, benchmark: str, judge: str, risk: float = 0.1, failure: float = 0.05, seed: int = 0
) -> services.agreement.HumanQueue:
    """Which battles a judge should hand to people: those below a confidence that the labels have shown to be safe.

    ``risk``: share of kept verdicts that people may contradict; ``failure``: probability that this does not hold.

    Raises UnknownName, and InputError for rates outside (0, 1).
    """
    allowed = services.agreement.Allowed(risk, failure, seed=seed)
    return services.agreement.human_queue(database, benchmark, judge, allowed)


def judges(database: Database) -> pd.DataFrame:
    """Every judge that was added, has run or was imported.

    Returns: one row a judge: ``judge`` (its name), ``model``, ``template``, ``digest``, ``settings``, and where it is
    reached if that is known: ``url``, ``key_env``, ``price``.

    Raises DatabaseError.
    """
    rows = []
    for known in services.judges.known_judges(database):
        address = known.spec.model_dump(include={"url", "key_env", "price"}) if known.spec else {}
        rows.append(asdict(known.judge) | {"judge": known.judge.name, "digest": known.judge.digest} | address)
    return frame_of(rows, ["judge", "model", "template", "digest", "settings", "url", "key_env", "price"])


def add_judge(
    database: Database,
    name: str,
    *,
    model: str,
    url: str | None = None,
    key_env: str | None = None,
    template: str | None = None,
    settings: Mapping[str, Any] | None = None,
    price: str | None = None,
) -> Judge:
    """Remember a judge under a name; nothing is asked, and no key is stored. Adding it once more changes its address.

    ``model``: its server's name for it, "embedded", or "scripted:NAME". ``key_env``: NAME of the environment variable
    with the server's key. ``settings``: decoding settings, over the template's. ``price``: "PROMPT,COMPLETION" in USD
    per million tokens.

    Raises InputError, and Conflict where the name belongs to another judge.
    """
    address = {"url": url, "key_env": key_env, "template": template, "price": price}
    fields = {"name": name, "model": model, "settings": settings or {}}
    return services.judges.add_judge(database, spec.make_judge(fields | address, where="add_judge"))


def runs(database: Database) -> pd.DataFrame:
    """What every run and import stored, the newest first.

    Returns: one row a run: ``id``, ``benchmark``, ``judge``, ``kind``, ``started_at`` and ``finished_at`` (ISO 8601,
    UTC), ``ended`` (trials by status), ``cost_usd`` (missing where no price was known).

    Raises DatabaseError.
    """
    return frame_of(
        services.benchmarks.runs(database), [field.name for field in fields(services.benchmarks.RunSummary)]
    )


def templates() -> pd.DataFrame:
    """The templates that judges can be asked with.

    Returns: one row a template: ``template`` (its id), ``kind`` ("pairwise" or "pointwise"), ``digest``.

    Raises InputError for a template that cannot be read.
    """
    rows = [
        {"template": template.id, "kind": template.kind, "digest": template.digest} for template in spec.templates()
    ]
    return frame_of(rows, ["template", "kind", "digest"])


def audit_results(database: Database, *, benchmark: str, kind: str | None = None) -> pd.DataFrame:
    """The newest audit of every judge, of every submission and of the benchmark's verdicts.

    Returns: one row an audit, the newest first: ``kind``, ``judge_digest`` or ``model``, ``passed``, ``high`` (severe
    findings), ``created_at``, ``stale`` (what it looked at has grown since), ``document`` (the report as plain values).

    Raises UnknownName.
    """
    columns = ["kind", "judge_digest", "model", "passed", "high", "created_at", "stale", "document"]
    return frame_of(services.audits.results.audits(database, benchmark, kind=kind), columns)


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
