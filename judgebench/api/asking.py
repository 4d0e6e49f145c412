"""What asks judges, models and people: runs, audits, batches, votes.

``arun`` is awaited; ``run`` is the same and waits by itself, also where an event loop is running already, as in a
notebook. So it is with the others whose name begins with ``a``.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import wraps
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import pandas as pd

from judgebench import engine, services, spec
from judgebench.api.data import Names, frame_of, names_of
from judgebench.audits.findings import AuditReport
from judgebench.clients.base import Client
from judgebench.clients.probe import Report as ServerReport
from judgebench.clients.scripted import Ask
from judgebench.engine.judges import ResolvedJudge, own_judge, resolve
from judgebench.engine.runner import OnProgress, RunTally
from judgebench.errors import InputError
from judgebench.leaderboard.profiles import ProfileName
from judgebench.records import OVERALL, HumanLabel, Judge
from judgebench.services.audits.estimates import AuditEstimate
from judgebench.services.audits.registry import (
    AuditSettings,
    IntegrityAudit,
    NullModelAudit,
    RobustnessAudit,
    SubmissionAudit,
)
from judgebench.spec import Generation, JudgeSpec, Study, make, make_generation
from judgebench.spec.addresses import as_given
from judgebench.spec.connection import laid_over
from judgebench.spec.study import Orders, Redo
from judgebench.spec.taxonomies import taxonomy_setting
from judgebench.stats.planning import PlannedComparison
from judgebench.store.database import Database

__all__ = [
    "IntegrityAudit", "JudgeSpec", "NullModelAudit", "RobustnessAudit", "SubmissionAudit", "aanswer", "aaudit",
    "add_judge", "aingest_batches", "answer", "arun", "asettle", "asubmit_batch", "atest_judge", "audit",
    "batches", "estimate_answers", "estimate_audit", "estimate_run", "export_batch", "human_queue",
    "ingest_batches", "judge", "judges", "plan", "remove_address", "reparse", "run", "settle", "submit_batch",
    "test_judge", "vote",
]  # fmt: skip
Workers = str | Mapping[str, Any] | None  # of a Ray cluster: its address, or the fields of spec.workers.RayWorkers
Urls = str | Sequence[str] | None  # the address of a server, or of several of one model; "@FILE": those in a file
AnyJudge = str | Mapping[str, Any] | JudgeSpec | ResolvedJudge | Client | Ask
_P = ParamSpec("_P")
_Report = TypeVar("_Report")


def waiting(ask: Callable[_P, Coroutine[Any, Any, _Report]]) -> Callable[_P, _Report]:
    """``ask`` for those who do not await it. An interrupt lets what is in flight end and stores it."""

    name, parameters = ask.__name__.removeprefix("a"), signature(ask)

    @wraps(ask)
    def wait(*args: _P.args, **kwargs: _P.kwargs) -> _Report:
        try:
            parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None  # else it would name ``ask``
        return _in_thread(ask, args, kwargs) if _in_a_loop() else engine.runner.run_async(ask(*args, **kwargs))

    wait.__name__ = wait.__qualname__ = name
    return wait


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(
    ask: Callable[..., Coroutine[Any, Any, _Report]], args: Sequence[Any], kwargs: dict[str, Any]
) -> _Report:
    """In an event loop of its own; an interrupt here ends it as an interrupt there would."""
    interrupted = threading.Event()
    if "on_progress" in signature(ask).parameters:
        kwargs = kwargs | {"on_progress": _until(interrupted, kwargs.get("on_progress"))}
    with ThreadPoolExecutor(1) as elsewhere:
        running = elsewhere.submit(engine.runner.run_async, ask(*args, **kwargs))
        try:
            return running.result()
        except KeyboardInterrupt:
            interrupted.set()
            return running.result()


def judge(
    database: Database, judge: AnyJudge, *, url: Urls = None, key_env: str | None = None,
    name: str | None = None, version: str | None = None, template: str | None = None,
    settings: Mapping[str, Any] | None = None, price: str | None = None, connection: Mapping[str, Any] | None = None,
    vllm: str | None = None, ray: Workers = None, same_judge: bool = False, otherwise: str | None = None,
) -> ResolvedJudge:  # fmt: skip
    """A judge for whatever asks one: the settings of an ``audit``, or as ``judge`` of ``run``, which says what the
    arguments mean. ``otherwise``: the address of one that has none.

    Raises InputError.
    """
    fields: dict[str, Any] = {
        "url": as_given(url),
        "key_env": key_env,
        "name": name,
        "template": template,
        "price": price,
    }
    fields |= {"settings": settings, "connection": connection, "vllm": vllm, "same_judge": same_judge or None}
    fields |= {"ray": ray}
    fields = {field: value for field, value in fields.items() if value is not None}
    if isinstance(judge, str | Mapping | JudgeSpec):
        if version is not None:
            raise InputError("a version is that of a function or client: leave it out")
        known = _fields(judge)
        if known.get("settings") and settings:
            fields["settings"] = {**known["settings"], **settings}
        return resolve(
            services.judges.find_judge(database, laid_over(known, fields), where="judge", otherwise=otherwise)
        )
    if isinstance(judge, ResolvedJudge):
        if fields or version is not None:
            raise InputError("what judgebench.judge gave is asked as it is: give its name, template and so on there")
        return judge
    if fields.keys() - {"name", "template"}:
        raise InputError("a function or client has an address, settings and a price of its own: leave ours out")
    if name is None or version is None:
        raise InputError("a function or client is known by what you call it: give judge_name and judge_version")
    return own_judge(judge, name=name, version=version, template=template)


def _until(stopped: threading.Event, on_progress: OnProgress | None) -> OnProgress:
    """``on_progress`` that also ends the run once ``stopped`` is set."""

    def watch(tally: RunTally, calls: int) -> bool:
        return stopped.is_set() or bool(on_progress is not None and on_progress(tally, calls))

    return watch


async def arun(
    database: Database, *, benchmark: str, judge: AnyJudge = "embedded", judge_url: Urls = None,
    judge_key_env: str | None = None, judge_name: str | None = None, judge_version: str | None = None,
    same_judge: bool = False,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    taxonomy: str | PathLike[str] | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, ray: Workers = None, models: Names = (),
    profile: ProfileName | None = None,
    baseline: str | None = None, all_pairs: bool = False, pairs: Sequence[tuple[str, str]] = (),
    orders: Orders = "both", repeats: int = 1, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, seed: int = 0,
    redo: Sequence[Redo] = (), reask: bool = False, concurrency: int = 16,
    max_cost: float | None = None, max_calls: int | None = None,
    max_failures: int = 25, max_errors: int | None = None, stop_after: float | str | None = None,
    drain: float = 8.0, on_progress: OnProgress | None = None,
) -> engine.run.RunReport:  # fmt: skip
    """Ask the judge every trial that has no answer yet; calling it again continues a stopped run.

    ``judge``: one that was added or ran before, by name; its server's name for it, with ``judge_url``; "embedded";
    "scripted:NAME"; a JudgeSpec or its fields; what ``judge`` gives; a client; or a function, also an async one, that
    is given the prompt's messages, ``[{"role": ..., "content": ...}]``, and returns the reply. The last two are known
    by ``judge_name`` and ``judge_version``: give another version when the function changes. ``judge_key_env``: NAME of
    the environment variable with the server's key. ``judge_url``: one address, a list of those of one judge, or "@FILE"
    with one a line, which is read again while it runs; a known judge is asked at a new one only with ``same_judge``, or
    as another under ``judge_name``. ``settings``: for decoding, over the template's. ``taxonomy``: a YAML file with
    causes of failures, for a template that lists goals. ``price``:
    "PROMPT,COMPLETION" in USD per million tokens. ``vllm``: of a judge
    "vllm:NAME", the flags of vLLM. ``connection``: how its server is asked besides, by the fields of a study file, and
    by ``token``, a function, also an async one, that returns a token. ``ray``: run it in workers of a Ray cluster,
    "local", "auto" or HOST:PORT, or ``{"address": "auto", "workers": 8, "resources": {"GPU": 1}}``.

    ``profile``: ask as this benchmark does, by its template, settings, orders and baseline, where none are given.

    Outputs of ``models`` (all where none is named) meet the ``baseline``, each other (``all_pairs``), or as ``pairs``
    say; ``orders``: "both", one at "random", or "single", A first. ``limit``: the first so many instructions; of these
    one of several parts, as ``shard`` says: "2/3", or (2, 3), is the second of three.
    ``redo``: ask those again that ended as "unparsed", "truncated" or "refused".
    ``reask``: once more, under a constraint, where a reply states no verdict. ``concurrency``: questions in flight, 1
    to 4096. It stops once ``max_cost`` USD are spent, ``max_calls`` requests are sent,
    ``max_failures`` came in a row or ``max_errors`` in all, ``stop_after`` seconds, or "55m", are over, and
    where ``on_progress``, told the tally and the calls so far, returns true. What is in flight ends and is stored; on a
    signal to terminate, within ``drain`` seconds.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses.
    """
    if profile is not None:
        services.benchmark_runs.add_first_turns(database, benchmark, profile)
    study, judged = _study(locals())
    return await engine.run.running(
        database, study, environment=dict(os.environ), judge=judged, on_progress=on_progress
    )


run = waiting(arun)


def estimate_run(
    database: Database, *, benchmark: str, judge: AnyJudge = "embedded", judge_url: Urls = None,
    judge_key_env: str | None = None, judge_name: str | None = None, judge_version: str | None = None,
    same_judge: bool = False,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    taxonomy: str | PathLike[str] | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, ray: Workers = None, models: Names = (),
    profile: ProfileName | None = None,
    baseline: str | None = None, all_pairs: bool = False, pairs: Sequence[tuple[str, str]] = (),
    orders: Orders = "both", repeats: int = 1, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, seed: int = 0,
    budget: int | None = None, concurrency: int = 16,
) -> engine.plan.CostEstimate:  # fmt: skip
    """What ``run`` would ask now with these arguments, or with a ``budget`` what ``settle`` would ask at most.

    Nothing is asked or stored. Tokens are characters / 4; time and tokens of replies are known where the judge has
    replied before, the cost where it has a ``price``.

    Raises InputError as ``run`` does.
    """
    study, judged = _study(locals() | {"design": "fixed" if budget is None else "adaptive"})
    return engine.plan.estimate(database, study, judge=judged)


async def asettle(
    database: Database, *, benchmark: str, budget: int, better: tuple[str, str] | None = None, top: int | None = None,
    error: float = 0.05, judge: AnyJudge = "embedded", judge_url: Urls = None, judge_key_env: str | None = None,
    judge_name: str | None = None, judge_version: str | None = None, same_judge: bool = False,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, ray: Workers = None, models: Names = (),
    orders: Literal["both", "random"] = "both", limit: int | None = None, category: str | None = None, seed: int = 0,
    reask: bool = False, concurrency: int = 16, max_cost: float | None = None, max_calls: int | None = None,
    max_failures: int = 25, max_errors: int | None = None, stop_after: float | str | None = None,
    drain: float = 8.0, on_progress: OnProgress | None = None,
) -> engine.adaptive.Settlement:  # fmt: skip
    """Compare adaptively until a question is settled or ``budget`` trials are spent; calling it again continues.

    The question: is the first of ``better`` better than the second, which are the ``top`` so many, or, with neither,
    how do all rank. ``error``: chance of settling it wrongly, in (0, 0.5), however often it is looked at. The other
    arguments are those of ``run``.

    Raises InputError, and JudgeError when the judge cannot be reached or refuses.
    """
    study, judged = _study(locals() | {"design": "adaptive"})
    return await engine.adaptive.settling(
        database, study, environment=dict(os.environ), judge=judged, on_progress=on_progress
    )


settle = waiting(asettle)


async def aanswer(
    database: Database, *, benchmark: str, model: str | Mapping[str, Any], model_url: Urls = None,
    model_key_env: str | None = None, model_name: str | None = None, same_model: bool = False,
    system: str | None = None,
    settings: Mapping[str, Any] | None = None, price: str | None = None, connection: Mapping[str, Any] | None = None,
    vllm: str | None = None, ray: Workers = None, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, concurrency: int = 16,
    max_cost: float | None = None, max_calls: int | None = None,
    max_failures: int = 25, max_errors: int | None = None, stop_after: float | str | None = None,
    drain: float = 8.0, on_progress: OnProgress | None = None,
    audit: bool = True,
) -> engine.answer.AnswerReport:  # fmt: skip
    """Collect a model's outputs to a benchmark's instructions; calling it again continues, and asks for none twice.

    ``model``: its server's name for it, with ``model_url``; "embedded"; "scripted:echo"; or the fields of
    ``spec.Served``. ``model_name``: under which the outputs are stored, its own where None; a model
    whose outputs are stored is asked at a new address only with ``same_model``. ``system``: a message before each
    instruction. ``settings``: over temperature=0 and max_tokens=2048. ``audit``: audit the model at the
    end, by which leaderboards mark it. The others are as in ``run``.

    Raises InputError, and JudgeError when the server cannot be reached or refuses.
    """
    generation = _generation(locals())
    return await services.answers.answering(
        database, generation, environment=dict(os.environ), on_progress=on_progress, audit=audit
    )


answer = waiting(aanswer)


def estimate_answers(
    database: Database, *, benchmark: str, model: str | Mapping[str, Any], model_url: Urls = None,
    model_name: str | None = None, same_model: bool = False, system: str | None = None,
    settings: Mapping[str, Any] | None = None, price: str | None = None, connection: Mapping[str, Any] | None = None,
    vllm: str | None = None, ray: Workers = None, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None,
) -> engine.answer.AnswerEstimate:  # fmt: skip
    """What ``answer`` would ask now with these arguments. Nothing is asked or stored; tokens are characters / 4.

    Raises InputError as ``answer`` does.
    """
    return engine.answer.estimate_answers(database, _generation(locals()))


def export_batch(
    database: Database, to: str | PathLike[str], *, benchmark: str, judge: AnyJudge, judge_url: Urls = None,
    judge_key_env: str | None = None, judge_name: str | None = None, same_judge: bool = False,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, models: Names = (),
    baseline: str | None = None, all_pairs: bool = False, pairs: Sequence[tuple[str, str]] = (),
    orders: Orders = "both", repeats: int = 1, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, seed: int = 0,
    max_requests: int = 50_000, max_mebibytes: int = 190,
) -> engine.batches.ExportReport:  # fmt: skip
    """Write the trials that ``run`` would ask into batch files, which OpenAI's batches and "vllm run-batch" read.

    More than ``max_requests`` or ``max_mebibytes`` go into numbered files beside ``to``. The others are as in ``run``.

    Raises InputError where a batch cannot ask them, or a file exists.
    """
    given = locals()
    limits = engine.batches.FileLimits(given.pop("max_requests"), given.pop("max_mebibytes"))
    target = Path(given.pop("to"))
    study, _ = _study(given, otherwise=engine.judges.NO_ADDRESS)
    return engine.batches.export(database, study, target, limits=limits)


async def asubmit_batch(
    database: Database, file: str | PathLike[str], *, judge_key_env: str | None = None,
    connection: Mapping[str, Any] | None = None,
) -> engine.batches.SubmittedBatch:  # fmt: skip
    """Hand a batch file to its judge's server; doing it again finds the batch, and submits nothing twice.

    ``judge_key_env`` and ``connection`` are laid over what the batch remembers; a token's command or function must
    stand here.

    Raises InputError where the file is not the one that was exported, and JudgeError when the server refuses.
    """
    given = _given(key_env=judge_key_env, connection=connection)
    return await engine.batches.submitting(database, Path(file), environment=dict(os.environ), given=given)


submit_batch = waiting(asubmit_batch)


async def aingest_batches(
    database: Database, files: Sequence[str | PathLike[str]] = (), *, batch: Names = (), close: bool = False,
    judge_key_env: str | None = None, connection: Mapping[str, Any] | None = None,
) -> engine.batches.IngestReport:  # fmt: skip
    """Store the results of batches, from ``files`` or from the server of ``batch`` (of all open ones where none is
    named); what is stored already is not stored again. ``close``: expect nothing further from those in the files.
    ``judge_key_env`` and ``connection`` are as in ``submit_batch``.

    Raises InputError, UnknownName, and JudgeError when a server cannot be reached.
    """
    if files and batch:
        raise InputError("give files of results, or batches to fetch them from, not both")
    if files:
        return engine.batches.ingest_files(database, [Path(file) for file in files], close=close)
    given = _given(key_env=judge_key_env, connection=connection)
    return await engine.batches.fetching(database, names_of(batch), environment=dict(os.environ), given=given)


ingest_batches = waiting(aingest_batches)


def batches(database: Database) -> pd.DataFrame:
    """The batches that were exported, the oldest first.

    Returns: one row a batch: ``batch``, ``judge``, ``benchmark``, ``requests``, ``answered``, ``server_id``, ``state``.
    Raises DatabaseError.
    """
    columns = ["batch", "judge", "benchmark", "requests", "answered", "server_id", "state"]
    rows = [
        {"batch": batch.name} | {name: getattr(batch, name) for name in columns[1:]}
        for batch in engine.batches.known_batches(database)
    ]
    return frame_of(rows, columns)


def reparse(database: Database, judge: str) -> tuple[int, int]:
    """Read a judge's stored replies again with the current parser; no call is made.

    Returns: how many replies were read, and how many verdicts changed.
    Raises UnknownName, and InputError where the judge's template has changed since.
    """
    return engine.run.reparse(database, judge)


async def aaudit(database: Database, settings: AuditSettings, *, on_progress: OnProgress | None = None) -> AuditReport:
    """Run an audit and keep its report for leaderboards; calling it again continues, and asks nothing twice.

    ``settings`` say which: a ``NullModelAudit``, ``RobustnessAudit``, ``SubmissionAudit`` or ``IntegrityAudit``, or
    those of an audit that was added to ``services.audits.registry.AUDITS``. ``on_progress`` as in ``run``.

    Raises InputError, UnknownName, and JudgeError when the judge cannot be reached or refuses.
    """
    name = services.audits.registry.audit_of(settings).name
    environment, stopped = dict(os.environ), threading.Event()
    watch = _until(stopped, on_progress)
    try:
        return await asyncio.to_thread(
            services.audits.registry.audit, database, name, settings, environment=environment, on_progress=watch
        )
    finally:
        stopped.set()  # where this is cancelled the thread ends what is in flight


audit = waiting(aaudit)


def estimate_audit(database: Database, settings: AuditSettings) -> AuditEstimate:
    """How often an audit with these settings would ask its judge at most, and what that would cost; nothing is asked.

    Raises InputError and UnknownName.
    """
    return services.audits.estimates.estimate(database, settings)


async def atest_judge(
    database: Database, name: str, *, judge_url: Urls = None, judge_key_env: str | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, ray: Workers = None,
) -> ServerReport | None:  # fmt: skip
    """Ask a judge four short questions: does it answer, as which model, and what can its server do?

    ``judge_url``, ``judge_key_env``, ``connection``, ``vllm`` and ``ray`` are laid over what is remembered, as in
    ``run``.

    Returns: None for a judge that runs in this process.
    Raises UnknownName, InputError where its address is not known, and JudgeError where it does not answer.
    """
    given = _given(url=as_given(judge_url), key_env=judge_key_env, connection=connection, vllm=vllm, ray=ray)
    return await asyncio.to_thread(services.judges.try_judge, database, name, dict(os.environ), given)


test_judge = waiting(atest_judge)


def plan(
    database: Database | None = None, *, difference: float = 0.05, instructions: int | None = None,
    benchmark: str | None = None, judge: Names = (), all_judges: bool = False, sd: float | None = None,
    correlation: float = 0.0, power: float = 0.8, level: float = 0.95,
) -> services.leaderboards.SamplePlan:  # fmt: skip
    """How many instructions tell two win rates apart that lie ``difference`` apart, and what a number of them tells.

    ``sd``, in [0, 0.5], is of one model's preference over instructions: where it is not given it is learned from the
    verdicts on ``benchmark`` that ``rank`` takes, and 0.5 at most. ``correlation``, in [-1, 1), is of two models'
    preferences.

    Raises UnknownName, and StatisticsError for a number out of its range or fewer than two models with verdicts.
    """
    learned = None
    if benchmark is not None:
        if database is None:
            raise InputError("say in which database the benchmark is: judgebench.plan(db, benchmark=...)")
        numbers = () if instructions is None else (instructions,)
        scope = services.scope.Scope(names_of(judge), all_judges=all_judges)
        learned = services.leaderboards.pilot(database, benchmark, scope=scope, planned=numbers, level=level)
    sd = sd if sd is not None else 0.5 if learned is None else learned.sd
    comparison = PlannedComparison(difference, sd=sd, correlation=correlation, level=level, power=power)
    return services.leaderboards.sample_plan(comparison, instructions=instructions, learned=learned)


def vote(
    database: Database, *, benchmark: str, annotator: str, instruction: str, first: str, second: str,
    preference: float, both_bad: bool = False, sample_first: int = 0, sample_second: int = 0, question: str = OVERALL,
) -> bool:  # fmt: skip
    """Store what a person says who saw the output of model ``first`` first; ``preference`` in [0, 1] is for that one.

    ``instruction`` is its key, as ``battles`` lists it; ``both_bad`` goes with 0.5. ``sample_first`` and
    ``sample_second``: which of several outputs of a model, from 0. ``question``: by what they were compared, such as
    "accuracy", where that was asked and not which is better.

    Returns: False where the very same was stored before.
    Raises UnknownName, InputError for an unusable label, and Conflict where this person said something else.
    """
    label = HumanLabel.of(
        *(annotator, instruction), first=first, second=second, preference=preference, both_bad=both_bad,
        samples=(sample_first, sample_second),
    )  # fmt: skip
    return services.labels.vote(database, benchmark, replace(label, question=question))


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
    reached if that is known: ``url``, ``key_env``, ``price``, ``connection`` (what its server is sent besides).
    Raises DatabaseError.
    """
    rows = []
    for known in services.judges.known_judges(database):
        address = known.spec.model_dump(include={"url", "key_env", "price"}) if known.spec else {}
        address["connection"] = known.connection
        rows.append(asdict(known.judge) | {"judge": known.judge.name, "digest": known.judge.digest} | address)
    return frame_of(rows, ["judge", "model", "template", "digest", "settings", "url", "key_env", "price", "connection"])


def add_judge(
    database: Database, name: str, *, model: str, url: Urls = None, key_env: str | None = None,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, same_judge: bool = False,
) -> Judge:  # fmt: skip
    """Remember a judge under a name; nothing is asked, and no key is stored. Adding it once more adds its address,
    which ``same_judge`` says to be the same judge's.

    ``model``: its server's name for it, "embedded", or "scripted:NAME". ``key_env``: NAME of the environment variable
    with the server's key. ``settings``: decoding settings, over the template's. ``price``: "PROMPT,COMPLETION" in USD
    per million tokens.

    Raises InputError, and Conflict where the name belongs to another judge.
    """
    address: dict[str, Any] = {
        "url": as_given(url),
        "key_env": key_env,
        "template": template,
        "price": price,
        "vllm": vllm,
    }
    fields = {"name": name, "model": model, "settings": settings or {}, "connection": connection or {}}
    address |= {"same_judge": same_judge}
    return services.judges.add_judge(database, spec.make(spec.JudgeSpec, fields | address, where="add_judge"))


def remove_address(database: Database, name: str, url: str) -> None:
    """Ask a judge that was added no longer at one of its addresses; its verdicts stay. Raises InputError."""
    services.judges.remove_address(database, name, url)


def _study(given: dict[str, Any], *, otherwise: str | None = None) -> tuple[Study, ResolvedJudge]:
    """What a function's keywords ask for: the study, and its judge. Raises InputError."""
    database, _ = given.pop("database"), given.pop("on_progress", None)
    profile = given.pop("profile", None)
    if profile is not None:
        _ask_as(database, profile, given)
    fields = {name: given.pop(f"judge_{name}", None) for name in ("url", "key_env", "name", "version")}
    fields |= {name: given.pop(name) for name in ("template", "settings", "price", "vllm", "connection")}
    fields |= {"ray": given.pop("ray", None)}
    if (taxonomy := given.pop("taxonomy", None)) is not None:
        fields["settings"] = {**(fields["settings"] or {}), **taxonomy_setting(taxonomy)}
    fields["same_judge"] = given.pop("same_judge", False)
    resolved = judge(database, given.pop("judge"), **fields, otherwise=otherwise)
    given |= {"models": names_of(given["models"]), "judge": resolved.spec}
    return make(Study, given, where="study"), resolved


def _ask_as(database: Database, profile: str, given: dict[str, Any]) -> None:
    """Lay what the benchmark of the profile sets under the keywords."""
    benchmark, compares = given["benchmark"], bool(given["baseline"] or given["all_pairs"] or given["pairs"])
    fields = services.benchmark_runs.study_fields(
        database, benchmark, profile, category=given["category"], compares=compares, template=given["template"]
    )
    asks = fields.pop("judge")
    if not isinstance(given["judge"], ResolvedJudge):  # which is asked as it is
        given["template"] = given["template"] or asks["template"]
    if isinstance(given["judge"], str | Mapping | JudgeSpec):  # a function has settings of its own
        given["settings"] = asks["settings"] | dict(given["settings"] or {})
    given |= {name: value for name, value in fields.items() if name != "orders" or given["orders"] == "both"}


def _generation(given: dict[str, Any]) -> Generation:
    """What the keywords of ``answer`` ask for. Raises InputError."""
    served = _fields(given.pop("model"))
    fields = {"url": as_given(given.pop("model_url")), "key_env": given.pop("model_key_env", None)}
    fields |= {name: given.pop(name) for name in ("price", "vllm", "connection", "ray")}
    served = laid_over(served, {name: value for name, value in fields.items() if value is not None})
    served["settings"] = {**served.get("settings", {}), **(given.pop("settings") or {})}
    name = given.pop("model_name") or served.get("model")
    given = {field: value for field, value in given.items() if field not in ("database", "on_progress", "audit")}
    return make_generation(given | {"generator": served, "model": name}, where="answer")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _fields(model: str | Mapping[str, Any] | JudgeSpec) -> dict[str, Any]:
    """The fields that were given."""
    if isinstance(model, JudgeSpec):
        return {name: getattr(model, name) for name in model.model_fields_set}
    fields = {"model": model} if isinstance(model, str) else dict(model)
    return fields | {"url": as_given(fields["url"])} if "url" in fields else fields
