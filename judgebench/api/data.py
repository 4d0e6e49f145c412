"""What is stored, as frames and reports: submissions, verdicts, battles, labels, lineage."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, cast

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from judgebench import services, spec, store
from judgebench.bias.card import Card
from judgebench.bias.human_agreement import AgreementReport
from judgebench.bias.relatives import preference_leakage_score
from judgebench.counts import count
from judgebench.errors import InputError, UnknownName
from judgebench.formats import Format, FormName, Kind, PairsFrom, ToolName
from judgebench.formats.folders import expanded
from judgebench.formats.reading import of_sheet
from judgebench.records import OVERALL, Deletable, HumanLabel, Lineage, Model, Named
from judgebench.remote import TeamServer
from judgebench.services.parts import PairChoice
from judgebench.services.scope import Scope
from judgebench.show.conversations import MESSAGE_COLUMNS, message_rows
from judgebench.spec.study import wrong_field
from judgebench.stats import published_scores
from judgebench.stats.agreement import Resampling
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary
from judgebench.store.database import Database
from judgebench.store.events import Event

__all__ = [
    "accept_lineage", "agreement", "audit_results", "battles", "benchmarks", "card", "connect", "contamination",
    "create_token", "declare_lineage",
    "delete", "events", "export", "import_files", "import_judgments", "labels", "languages", "lineage", "merge",
    "messages", "models", "open", "preference_leakage_score", "propose_lineage", "published_scores", "rename",
    "revoke_token", "rows",
    "runs", "templates", "tokens", "verdicts",
]  # fmt: skip
_P = ParamSpec("_P")
_Record = TypeVar("_Record")
RoleName = Literal["viewer", "voter", "submitter", "admin"]
Names = str | Sequence[str]  # one name, or several


def open(address: str | PathLike[str] = "judgebench.db", *, actor: str | None = None) -> Database:
    """The database at a path (SQLite) or a URL (PostgreSQL); it is created where there is none.

    ``actor``: under whose name the log has what is done with it; the user of this machine.

    Raises InputError and DatabaseError.
    """
    return Database(os.fspath(address), create=True, actor=actor)


def connect(url: str, *, token: str | None = None) -> TeamServer:
    """A server that ``judgebench serve`` runs, on whose database its methods work: ``submit``, ``leaderboard``,
    ``rank``, ``battles``, ``card``, ``audits``, ``runs``, ``start_run``, ``run``, ``start_audit``, ``jobs``, ``watch``,
    ``stop``.

    ``token``: else the variable JUDGEBENCH_TOKEN holds it. Nothing is asked yet.

    Raises InputError for what is no address, or without a token, and MissingExtra.
    """
    return TeamServer(url, token)


def import_files(
    database: Database, files: str | PathLike[str] | Sequence[str | PathLike[str]], *, benchmark: str | None = None,
    as_format: str | None = None, model: str | None = None, annotator: str | None = None,
    columns: Mapping[str, str] | None = None, sheet: str | None = None, extend: bool = False,
    new_benchmark: bool = False, audit: bool = True, question: str = OVERALL,
) -> list[services.imports.ImportReport]:  # fmt: skip
    """Store files of instructions, outputs, recorded verdicts, labels or lineage, one transaction a file; each is
    recognised, or read ``as_format``. Of a folder all files below it are read whose names end in a known way, but for
    hidden ones and links out of it: a warning says what is left out. Importing again adds nothing. Then the models
    whose outputs came are audited: what is severe is stored too, and marked. Instructions are stored first, then
    outputs, then what is about these: rows may name an instruction that is stored by its id alone.

    ``benchmark``: some formats have a usual one. ``model`` and ``annotator``: whose outputs or labels these are, where
    the file does not say. ``question``: by what people compared, for example "accuracy", where they were asked that and
    not which output is better. ``sheet``: of an Excel workbook, the one that holds the rows. ``columns``, ``extend``,
    ``new_benchmark`` and ``audit`` as in ``submit``.

    Returns: a report a file; its ``audit`` has what was found about the file's models.
    Raises InputError naming file, row and field, UnknownName, and Conflict; files before that one are stored. Files in
    a folder that are wrong are named at the end, when all others are stored.
    """
    options = services.imports.ImportOptions(model, annotator, extend, new_benchmark, audit, question)
    named = [files] if isinstance(files, str | PathLike) else list(files)
    listed, left_out = expanded(named)
    for words in left_out:
        warnings.warn(words, stacklevel=2)
    reports: list[services.imports.ImportReport] = []
    failed: list[str] = []
    try:
        recognised: list[tuple[str | PathLike[str], Format]] = []
        for path in listed:
            with _alone(path in named, failed):
                meant = of_sheet(path, sheet)
                recognised.append((meant, services.imports.format_of(meant, as_format)))
        for path, chosen in services.imports.in_order(recognised, itemgetter(1)):
            with _alone(str(path) in map(str, named), failed):
                known = services.known.of(database, benchmark or chosen.benchmark)
                file = services.imports.read(path, as_format=chosen.name, columns=columns, known=known)
                reports.append(services.imports.store_only(database, file, benchmark=benchmark, options=options))
    finally:
        reports = services.imports.audited(database, reports) if audit else reports
    if failed:
        of_all = f"{len(failed)} of {count(len(listed), 'file')}"
        raise InputError(f"{of_all} were not imported, the others are: {'; '.join(failed)}")
    return reports


@contextmanager
def _alone(is_named: bool, failed: list[str]) -> Iterator[None]:
    """What is wrong with a file of a folder goes to ``failed``; with one that was named it is raised."""
    try:
        yield
    except InputError as error:
        if is_named:
            raise
        failed.append(str(error))


def import_judgments(
    database: Database, *, benchmark: str, judge: Names, into: str, new_benchmark: bool = False
) -> services.imports.JudgmentsReport:
    """Make what two or more judges replied about a benchmark's battles the outputs of a benchmark ``into``, for a
    meta-judge. ``new_benchmark`` as in ``submit``.

    Raises UnknownName, InputError without a case that all of them judged, and Conflict.
    """
    return services.imports.import_judgments(
        database, benchmark, names_of(judge), into=into, new_benchmark=new_benchmark
    )


def export(
    database: Database, kind: Kind | FormName | ToolName, to: str | PathLike[str], *, benchmark: str, judge: Names = (),
    all_judges: bool = False, category: str | None = None, language: str | None = None, common: bool = False,
    with_flagged: bool = False, model: Names = (), baseline: str | None = None, pairs_from: PairsFrom = "verdicts",
    min_margin: float = 0.0, both_orders: bool = False, min_confidence: float | None = None, rationale: bool = False,
) -> services.exports.ExportedFile:  # fmt: skip
    """Write a benchmark's rows into a file, whole or not at all; ``import_files`` reads them back, but for battles and
    leaderboards. The name says how: .jsonl, .json, .csv or .parquet, also with .gz. A form of conversations, such as
    "openai-chat", holds outputs with what was asked, as messages; ``lost`` says what it cannot hold. ``model``: only
    its outputs, or battles. A leaderboard counts what ``rank`` does, as ``coverage`` says; all else holds what all
    judges said, where no ``judge`` is named.

    Kinds named after another tool are as it reads them; what it has no place for is ``left_out``. "alpaca-eval":
    ``baseline`` is the model of every first output. "arena-rank" and "preferences" are from verdicts, or
    ``pairs_from="labels"``. "preferences" are pairs preferred by at least ``min_margin``, in ``both_orders`` the same,
    in which the judge's labels hold ``min_confidence`` of the probability, or so great a share of people agrees;
    ``rationale`` adds the judge's reply.

    Raises UnknownName and InputError; a file that was there is then left alone.
    """
    scope = Scope(names_of(judge), category, language, all_judges, common, with_flagged)
    choice = valid(
        PairChoice, baseline=baseline, pairs_from=pairs_from, min_margin=min_margin, both_orders=both_orders,
        min_confidence=min_confidence, rationale=rationale,
    )  # fmt: skip
    return services.exports.export(
        database, kind, Path(to), benchmark=benchmark, scope=scope, models=names_of(model), choice=choice
    )


def rows(
    database: Database, kind: Kind | ToolName, *, benchmark: str, judge: Names = (), category: str | None = None,
    model: Names = (), baseline: str | None = None, pairs_from: PairsFrom = "verdicts", min_margin: float = 0.0,
    both_orders: bool = False, min_confidence: float | None = None, rationale: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """What ``export`` writes, e.g. the "outputs" of a benchmark.

    Returns: one row each, with the columns that docs/formats.md lists.
    Raises UnknownName and InputError.
    """
    choice = valid(
        PairChoice, baseline=baseline, pairs_from=pairs_from, min_margin=min_margin, both_orders=both_orders,
        min_confidence=min_confidence, rationale=rationale,
    )  # fmt: skip
    exported = services.exports.rows(
        database, kind, benchmark=benchmark, scope=Scope(names_of(judge), category), models=names_of(model),
        choice=choice,
    )  # fmt: skip
    return frame_of(list(exported), services.exports.columns(kind, choice))


def battles(
    database: Database, *, benchmark: str, judge: str | None = None, model: Names = (), category: str | None = None,
    inconsistent: bool = False, without_verdict: bool = False, suspicious: bool = False, against_human: bool = False,
    text: str = "", instruction: str | None = None, order: BattleOrder = "instructions", limit: int | None = None,
    offset: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """The battles that pass every filter: of one ``model``, or between two; those in which verdicts on the same two
    outputs are ``inconsistent``; with little mass on the labels, or won by an output a tenth as long (``suspicious``);
    in which people prefer the other output (``against_human``); with ``text`` in the instruction or an output; on the
    ``instruction`` with this key.

    Returns: one row a battle: ``instruction`` (its key), ``text`` (the user's, and in brackets, shortened, what else
    was asked), ``category``, ``model_a``, ``model_b``, ``preference`` (mean over verdicts, for A, in [0, 1]) with the
    ``lowest`` and ``highest``, ``trials``, ``with_preference``, ``consistent``.
    ``attrs["total"]``: how many pass, whatever the ``limit``; ``attrs["judges"]``: whose verdicts count.
    Raises UnknownName, and InputError for an unknown order.
    """
    chosen = valid(
        BattleFilter, judge=judge, category=category, models=names_of(model), inconsistent=inconsistent,
        without_verdict=without_verdict, suspicious=suspicious, against_human=against_human, text=text,
        instruction=instruction, order=order,
    )  # fmt: skip
    page, total = services.battles.battles(
        database, benchmark, chosen, limit=sys.maxsize if limit is None else limit, offset=offset
    )
    frame = frame_of(page, BattleSummary)
    frame["consistent"] = pd.Series([battle.consistent for battle in page], dtype=object)
    judges = services.battles.judges(database, benchmark) if judge is None else (judge,)
    frame.attrs = {"total": total, "judges": list(judges)}
    return frame


def messages(database: Database, *, benchmark: str, instruction: str, model: Names = ()) -> pd.DataFrame:
    """A conversation: what was asked, and what each ``model`` said and did, in the order in which it was held.

    ``instruction`` is its key, as ``battles`` lists it; ``model``: all that answered it, where none is named.

    Returns: one row a part of a message: ``model`` and ``sample`` (empty where it was asked), ``role``, ``name`` (of a
    participant, a result's tool), ``kind`` ("text", "refusal", "call", "tool", "reasoning", "file", "other"), ``text``
    (of a call its arguments), ``called`` (the tool, the file's kind), ``number`` (of a call, or of the one that a
    result answers), ``error`` (of a result), ``judged`` (whether a judge can be shown it).
    Raises UnknownName.
    """
    answered = services.battles.answered(database, benchmark, instruction, names_of(model))
    outputs = [output for samples in answered.samples.values() for output in samples]
    frame = frame_of(message_rows(answered.instruction, outputs), MESSAGE_COLUMNS)
    return frame.astype({"sample": "Int64", "number": "Int64"})


def verdicts(database: Database, *, benchmark: str, judge: str | None = None) -> pd.DataFrame:
    """The verdicts in force, failures included, with the judge's raw reply.

    Returns: one row a verdict. ``sample_a`` and ``sample_b``: which of a model's outputs to the instruction, from 0;
    B's is missing, as ``model_b`` is, where one output was scored alone. ``preference`` is for A, in [0, 1], whichever
    output was shown first (``order``), and missing unless ``status`` is "ok" or "tie"; ``cost_usd`` and ``latency_s``
    are of the reply. ``goals`` and ``spans``: what a verdict on one output lists of a dialogue's goals, or says of the
    output's steps and of places in it, as lists of dictionaries, empty where it lists none.
    Raises UnknownName.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        if judge is not None:
            store.judges.judge(connection, judge)
        columns, rows = store.verdicts.plain_rows(connection, benchmark_id, judge=judge)
    frame = pd.DataFrame(rows, columns=columns).astype({"sample_a": "Int64", "sample_b": "Int64"})
    for name in ("goals", "spans"):
        listed = [[asdict(item) for item in items] for items in frame[name]]
        frame[name] = pd.Series(listed, index=frame.index, dtype=object)
    return frame


def agreement(
    database: Database, *, benchmark: str, judge: Names = (), category: str | None = None, level: float = 0.95,
    resamples: int = 400, seed: int = 0,
) -> AgreementReport:  # fmt: skip
    """How far judges agree with people and with each other, beside how far people agree.

    ``level`` is of the intervals; of more than ``resamples`` instructions they leave out so many groups, by ``seed``.

    Raises UnknownName, and StatisticsError where there is neither verdict nor label.
    """
    how = Resampling(level, resamples, seed)
    return services.agreement.agreement(database, benchmark, judges=names_of(judge), category=category, how=how)


def card(database: Database, *, judge: str, benchmark: str | None = None, level: float = 0.95) -> Card:
    """A judge's report card on ``benchmark``, or where it gave most verdicts: every measure that the store allows.

    Raises UnknownName, and StatisticsError where the judge was asked nothing.
    """
    return services.cards.card(database, judge, benchmark=benchmark, level=level)


def contamination(
    database: Database, *, benchmark: str, model: Names = (), template: Names = (), against: Names = (),
    file: str | PathLike[str] | None = None, threshold: float = 0.75, level: float = 0.95,
) -> services.contamination.Contamination:  # fmt: skip
    """Look for the benchmark's instructions and references in outputs of ``model``, in ``template`` (a name or file),
    in the benchmarks ``against`` and in every text of ``file``; without any of these, everywhere but in files.

    ``threshold``: similarity from which a pair is found, in (0, 1].

    Raises UnknownName, and InputError for a threshold out of range or a file that cannot be read.
    """
    chosen = any((model, template, against, file is not None))
    places = services.contamination.Places(
        models=names_of(model) if chosen else None,
        templates=names_of(template) if chosen else None,
        benchmarks=names_of(against) if chosen else None,
        texts=() if file is None else services.contamination.texts_of(file),
    )
    return services.contamination.contamination(database, benchmark, places, threshold=threshold, level=level)


def labels(
    database: Database, *, benchmark: str, annotator: str | None = None, category: str | None = None,
    question: str = OVERALL,
) -> pd.DataFrame:  # fmt: skip
    """What people said about battles, in the order in which it was stored: which output is better, or, where a
    ``question`` is named, which is better by that.

    Returns: one row a label with the columns of ``records.HumanLabel``; ``preference`` is for A, in [0, 1].
    Raises UnknownName.
    """
    stored = services.labels.human_labels(
        database, benchmark, annotator=annotator, category=category, question=question
    )
    return frame_of(stored, HumanLabel)


def lineage(database: Database) -> pd.DataFrame:
    """The lineages that were declared.

    Returns: one row a model: ``model``, ``family``, ``parent``, ``trained_on`` (names of models).
    Raises DatabaseError.
    """
    return _lineages(Model(name, declared) for name, declared in services.lineage.declared(database).items())


def declare_lineage(
    database: Database, name: str, *, family: str | None = None, parent: str | None = None, trained_on: Names = ()
) -> bool:
    """Declare where a model, or the LLM of a judge, comes from.

    Returns: whether that changed anything.
    Raises InputError where nothing is declared or a model is its own ancestor, Conflict where another lineage was.
    """
    declared = Lineage(family, parent, names_of(trained_on))
    if declared == Lineage():
        raise InputError("say something: family, parent or trained_on")
    return services.lineage.declare(database, [Model(name, declared)]) == 1


def propose_lineage(database: Database) -> pd.DataFrame:
    """What the names of models and judges without a lineage suggest; nothing is stored.

    Returns: one row a model without a lineage: ``model``, ``is_judge`` (it is only the LLM of a judge), ``family``,
    ``parent``, ``trained_on``; all missing where the name suggests nothing.
    Raises DatabaseError.
    """
    rows = [
        {"model": model.name, "is_judge": model.is_judge} | (asdict(model.proposal.lineage) if model.proposal else {})
        for model in services.lineage.undeclared(database)
    ]
    return frame_of(rows, ["model", "is_judge", "family", "parent", "trained_on"])


def accept_lineage(database: Database, names: Names = (), *, everything: bool = False) -> pd.DataFrame:
    """Declare what the names suggest, and what those of their undeclared parents and teachers do.

    Returns: the lineages that were declared, with the columns of ``lineage``.
    Raises InputError where neither names nor everything are chosen or a name says nothing, and UnknownName.
    """
    if bool(names) == everything:
        raise InputError("name the models whose proposals are right, or say everything=True")
    chosen = names_of(names) or [model.name for model in services.lineage.undeclared(database) if model.proposal]
    return _lineages(services.lineage.accept(database, chosen))


def benchmarks(database: Database) -> pd.DataFrame:
    """The benchmarks of the database.

    Returns: one row a benchmark: ``name``, ``instructions`` (their number), ``categories``, ``models``, ``judges``
    (names) and ``verdicts`` (number in force, failures included).
    Raises DatabaseError.
    """
    return frame_of(services.benchmarks.benchmarks(database), services.benchmarks.BenchmarkSummary)


def models(database: Database, *, benchmark: str) -> pd.DataFrame:
    """The models with outputs in a benchmark.

    Returns: one row a model: ``model``, ``family``, ``parent``, ``trained_on``, and ``generated``, how it was asked
    where ``answer`` collected its outputs.
    Raises UnknownName.
    """
    generated = services.benchmarks.generated(database)
    rows = [
        {"model": model.name, **asdict(model.lineage), "generated": generated.get(model.name)}
        for model in services.benchmarks.models(database, benchmark)
    ]
    return frame_of(rows, ["model", "family", "parent", "trained_on", "generated"])


def languages(database: Database, *, benchmark: str) -> list[str]:
    """The languages that the benchmark's instructions seem to be in, the commonest first. Raises UnknownName."""
    return services.leaderboards.languages(database, benchmark)


def delete(database: Database, *, what: Deletable, name: str | int, yes: bool = False) -> services.upkeep.Change:
    """Delete a benchmark, a model, a judge or a run (``name`` is its ``id``) with all that belongs to it, in one
    transaction, and write the database anew, so that no text of it is left. Without ``yes`` nothing is changed.

    Returns: the rows that go, what rankings lose, and whether it was ``done``.
    Raises UnknownName, and Conflict while a run holds some of it.
    """
    return services.upkeep.delete(database, what, str(name), yes=yes)


def merge(database: Database, *, sources: Names) -> pd.DataFrame:
    """Take in the verdicts of other databases on the same outputs, as of the parts of a study, with their runs.

    ``sources``: their addresses, as of ``open``. Merged again, they change nothing; of two answers to a trial the
    earlier one counts. Labels of battles, audits, outputs and addresses of judges are not taken in.

    Returns: one row a database: its address as ``source``, the ``runs`` and the trials that were ``new``, how many
    trials were ``known``, how many new marks of steps, and outputs of which it said what happened afterwards, came
    ``beside``, and how many marks of one annotator were left out as ``contradicting`` stored ones. Raises InputError
    where they do not hold the same benchmarks and outputs, and Conflict where a judge's name is another judge's.
    """
    return frame_of((services.merging.merge(database, source) for source in names_of(sources)), services.merging.Merged)


def rename(database: Database, *, what: Named, name: str, new: str, yes: bool = False) -> services.upkeep.Change:
    """Call a benchmark, a model or a judge by another name, wherever the old one stands. Without ``yes`` nothing is
    changed.

    Returns: the rows that belong to it, what else there is to know, and whether it was ``done``.
    Raises UnknownName, InputError for an unusable name, Conflict where it is taken or a run holds some of it.
    """
    return services.upkeep.rename(database, what, name, new, yes=yes)


def events(
    database: Database, *, actor: Names = (), action: Names = (), skip: int = 0, last: int | None = None
) -> pd.DataFrame:
    """Who did what, the newest first: all, or the ``last`` so many less the newest ``skip``; by one of these actors
    only, and of one of these actions only.

    Returns: one row an event: ``id``, ``at``, ``actor``, ``action``, ``kind``, ``name`` and ``details``.
    Raises UnknownName for an action that there is not, and DatabaseError.
    """
    actors, actions = names_of(actor), names_of(action)
    return frame_of(services.upkeep.events(database, actors=actors, actions=actions, skip=skip, most=last), Event)


def create_token(
    database: Database, name: str, *, role: RoleName, benchmark: Names = (), days: int | None = services.tokens.DAYS
) -> services.tokens.NewToken:
    """Make a token of the REST API: ``role`` says what it may do, ``benchmark`` the only ones that it is good for,
    ``days`` how long; None: until it is revoked.

    Returns: the token as its ``secret``, which is stored nowhere, and what is stored ``about`` it.
    Raises InputError, UnknownName for a benchmark, and Conflict where the name is taken.
    """
    return services.tokens.create(
        database, name, services.access.Role[role.upper()], benchmarks=names_of(benchmark), days=days
    )


def tokens(database: Database) -> pd.DataFrame:
    """Tokens of the REST API, by name.

    Returns: one row a token: ``name``, ``role``, ``benchmarks`` (empty: every one), ``created_at``, ``expires_at``,
    ``used_at`` and ``revoked_at`` (missing: never). Raises DatabaseError.
    """
    return frame_of(services.tokens.tokens(database), services.tokens.Token)


def revoke_token(database: Database, name: str) -> bool:
    """Make a token good for nothing from now on. Returns whether it was not revoked yet. Raises UnknownName."""
    return services.tokens.revoke(database, name)


def runs(database: Database) -> pd.DataFrame:
    """What every run and import stored, the newest first.

    Returns: one row a run: ``id``, ``benchmark``, ``judge``, ``kind``, ``started_at`` and ``finished_at`` (ISO 8601,
    UTC), ``ended`` (trials by status), ``cost_usd`` (missing where no price was known), ``shard`` (which part of
    the study it asked).
    Raises DatabaseError.
    """
    return frame_of(services.benchmarks.runs(database), services.benchmarks.RunSummary)


def templates() -> pd.DataFrame:
    """The templates that judges can be asked with.

    Returns: one row a template: ``template`` (its id), ``kind`` ("pairwise" or "pointwise"), ``digest``.
    Raises InputError for a template that cannot be read.
    """
    rows = [(template.id, template.kind, template.digest) for template in spec.templates()]
    return pd.DataFrame(rows, columns=["template", "kind", "digest"])


def audit_results(database: Database, *, benchmark: str, kind: str | None = None) -> pd.DataFrame:
    """The newest audit of every judge, of every submission and of the benchmark's verdicts.

    Returns: one row an audit, the newest first: ``kind``, ``judge_digest`` or ``model``, ``passed``, ``high`` (severe
    findings), ``created_at``, ``stale`` (what it looked at has grown since), ``document`` (the report as plain values).
    Raises UnknownName.
    """
    columns = ["kind", "judge_digest", "model", "passed", "high", "created_at", "stale", "document"]
    return frame_of(services.audits.results.audits(database, benchmark, kind=kind), columns)


def frame_of(rows: Iterable[Any], columns: Iterable[str] | type[Any]) -> pd.DataFrame:
    """Records or mappings as a frame with these ``columns``, or those of the class of the records."""
    names = [field.name for field in fields(columns)] if isinstance(columns, type) else list(columns)
    return pd.DataFrame([row if isinstance(row, Mapping) else asdict(row) for row in rows], columns=names)


def _lineages(models: Iterable[Model]) -> pd.DataFrame:
    rows = [{"model": model.name, **asdict(model.lineage)} for model in models]
    return frame_of(rows, ["model", "family", "parent", "trained_on"])


def names_of(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def known_names(kind: str, given: Names, known: Sequence[Any]) -> tuple[Any, ...]:
    """The given names in the order of the known ones, each once. Raises UnknownName."""
    names = names_of(given)
    for name in names:
        if name not in known:
            raise UnknownName(kind, name, known)
    return tuple(name for name in known if name in names)


def valid(record: Callable[_P, _Record], *args: _P.args, **fields: _P.kwargs) -> _Record:
    """The record of these fields. Raises InputError: a mistyped method must not quietly become another one."""
    try:
        adapter: TypeAdapter[_Record] = TypeAdapter(cast(Any, record))
        return adapter.validate_python(fields)
    except ValidationError as error:
        raise InputError(wrong_field(error)) from error
