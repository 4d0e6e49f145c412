"""The steps of an evaluation for notebooks and scripts: DataFrames in, DataFrames out.

``import judgebench`` offers these functions. They add two things to ``study``, ``queries`` and the store: frames, and
runs inside an event loop that is running already, as a notebook's is. The leaderboard's function is ``rank``, because
``judgebench.leaderboard`` is a module.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from os import PathLike
from typing import Any, TypedDict, TypeVar, Unpack

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from judgebench import engine, services, store
from judgebench.errors import InputError, UnknownName
from judgebench.formats.outputs import OutputsFile, gather_outputs, read_outputs
from judgebench.formats.reading import FRAME_NAME, read_frame
from judgebench.leaderboard import COLUMNS, Choices
from judgebench.records import Lineage
from judgebench.spec import make_generation, make_study
from judgebench.store.database import Database

_Outputs = pd.DataFrame | str | PathLike[str]
Report = TypeVar("Report")

_BATTLE = ("category", "model_a", "model_b", "judge", "order", "repeat")
_VERDICT = ("status", "source", "preference", "score", "label", "mass", "detail", "parser")
_REPLY = ("reply", "prompt_tokens", "completion_tokens", "cost_usd", "latency_s", "constrained")
_VERDICT_COLUMNS = {"instruction": "key"} | {name: name for name in (*_BATTLE, *_VERDICT, *_REPLY)}  # ours -> stored


class Matching(TypedDict, total=False):
    """How a submission meets its benchmark; see ``study.prepare``."""

    lineage: Lineage
    extend: bool  # add instructions that the benchmark lacks
    new_benchmark: bool  # create the benchmark although its name is hardly another's


def open(address: str | PathLike[str] = "judgebench.db") -> Database:
    """The database at a path (SQLite) or a URL (PostgreSQL); it is created where there is none.

    Raises InputError and DatabaseError.
    """
    return Database(os.fspath(address), create=True)


def submit(
    database: Database,
    outputs: _Outputs,
    *,
    model: str,
    benchmark: str,
    columns: Mapping[str, str] | None = None,
    dry_run: bool = False,
    **matching: Unpack[Matching],
) -> services.submissions.MatchReport:
    """Store a model's outputs, from a DataFrame or a file, one row an instruction; the report says what matched.

    ``columns`` maps our field to the frame's or file's, e.g. ``{"instruction": "question"}``; docs/formats.md lists
    the usual names. ``dry_run`` reports and stores nothing. Submitting the same again adds nothing.

    Raises InputError, naming the row and the field, and then nothing is stored.
    """
    prepared = services.submissions.prepare(
        database, _submission(outputs, columns), benchmark=benchmark, model=model, **matching
    )
    if not dry_run:
        services.submissions.save(database, prepared)
    return prepared.report


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


def rank(
    database: Database, *, benchmark: str, judges: Sequence[str] = (), category: str | None = None, **choices: Any
) -> pd.DataFrame:
    """The leaderboard: one row a model, the best first, with the columns of ``leaderboard.Row``.

    Rates lie in [0, 1], ratings on the Elo scale unless ``scale`` says otherwise. ``choices``: the fields of
    ``leaderboard.Choices``, such as ``method="bradley-terry"``. The frame's ``attrs`` say how the numbers came about
    and what was left out: ``judges``, ``method``, ``scale``, ``baseline``, ``interval``, ``left_out``, ``notes``.

    Raises InputError on an unknown name or value, and StatisticsError when there is nothing to rank by.
    """
    chosen = _choices(choices)
    board = services.leaderboards.leaderboard(database, benchmark, judges=judges, category=category, choices=chosen)
    frame = pd.DataFrame([row.columns() for row in board.rows], columns=list(COLUMNS))
    document = services.leaderboards.leaderboard_document(benchmark, board)
    frame.attrs = {key: value for key, value in document.items() if key != "rows"}
    return frame


def battles(database: Database, *, benchmark: str, limit: int | None = None, **chosen: Any) -> pd.DataFrame:
    """One row a battle with the mean ``preference`` of its verdicts for A, in [0, 1], and whether they agree.

    ``chosen``: the fields of ``queries.BattleFilter``, such as ``judge`` or ``inconsistent=True``.

    Raises InputError.
    """
    _check_names("filter", chosen, store.battles.BattleFilter)
    wanted = store.battles.BattleFilter(**chosen)
    found, _ = services.battles.battles(database, benchmark, wanted, limit=sys.maxsize if limit is None else limit)
    columns = [*(field.name for field in fields(store.battles.BattleSummary)), "consistent"]
    return pd.DataFrame([asdict(each) | {"consistent": each.consistent} for each in found], columns=columns)


def verdicts(database: Database, *, benchmark: str, judge: str | None = None) -> pd.DataFrame:
    """One row a pairwise verdict in force, failures included, with the judge's raw reply.

    ``preference`` is for A, in [0, 1], whichever output was shown first (``order``), and missing unless ``status`` is
    "ok" or "tie".

    Raises UnknownName.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        found = store.battles.rows_of(connection, benchmark_id, judge_name=judge)
        rows = [[getattr(row, name) for name in _VERDICT_COLUMNS.values()] for row in found]
    return pd.DataFrame(rows, columns=list(_VERDICT_COLUMNS))


def _submission(outputs: _Outputs, columns: Mapping[str, str] | None) -> OutputsFile:
    if isinstance(outputs, pd.DataFrame):
        return gather_outputs(read_frame(outputs), FRAME_NAME, columns=columns)
    return read_outputs(outputs, columns=columns)


def _choices(given: Mapping[str, Any]) -> Choices:
    """Raises InputError: a mistyped method must not quietly become another one."""
    _check_names("choice", given, Choices)
    try:
        return TypeAdapter(Choices).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error


def _check_names(kind: str, given: Mapping[str, Any], record: type[Choices] | type[store.battles.BattleFilter]) -> None:
    known = [field.name for field in fields(record)]
    for name in given:
        if name not in known:
            raise UnknownName(kind, name, known)


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
