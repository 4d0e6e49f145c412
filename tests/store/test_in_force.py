"""No reader can forget which revision of a verdict is in force: by its source, and by what it returns."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from judgebench import services, store
from judgebench.records import Completion, Goal, HumanLabel, Order, Output, Source, Span, Status, TrialResult, Verdict
from judgebench.store import schema
from judgebench.store.database import Connection, Database
from judgebench.store.transfer import copy, refresh
from judgebench.store.verdicts import add_reparsed
from tests.factories import JUDGE, failed, instruction, ok, result, trial
from tests.filling import every_column, filled, judging, submitted

STORE = Path(store.__file__).parent
# What may name the table of verdicts: its definition, the writer and the selectables that all others start from, what
# seals it in blocks, what copies it with every other table, what gives verdicts new keys or models another name, and
# what deletes all that belong to something.
DEFINES = {
    "verdicts": {"in_force", "every_revision", "any_revised", "newest_id", "outcomes", "revisions", "stored_by_others"}
    | {"known_trials", "answered_by", "VerdictWriter", "add_reparsed", "append", "_answers_elsewhere"}
}
WHOLE = {"schema", "blocks", "transfer", "merging", "trial_keys", "deletion", "renaming"}

BENCHMARK = 1
KEYS = [instruction(number).key for number in range(5)]
TRIAL_KEYS = [trial(number, order).key for number in range(5) for order in Order]
PAIR = ("alpha", "beta")
CUT = [Output(key, "alpha", "", steps=(1,)) for key in KEYS]
UNREAD = Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")


def _nodes(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a module, with the name of the function at its top level that it stands in."""
    for top in ast.parse(path.read_text(encoding="utf-8")).body:
        for node in ast.walk(top):
            yield getattr(top, "name", ""), node


def _names_verdicts(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "judgebench.store.schema" and any(alias.name == "verdicts" for alias in node.names)
    table = isinstance(node, ast.Attribute) and node.attr == "verdicts" and isinstance(node.value, ast.Name)
    return bool(table and node.value.id in ("t", "schema"))  # type: ignore[attr-defined]  # its value is a name, as the line before says


def test_only_the_definition_the_writer_and_whole_copies_name_the_table() -> None:
    for path in STORE.glob("*.py"):
        if path.stem in WHOLE:
            continue
        handles = (
            {"_v", "_newer", "_IN_FORCE", "_NEWEST", "_REVISIONS", "_BY_OTHERS"} if path.stem in DEFINES else set()
        )
        users = {
            function
            for function, node in _nodes(path)
            if function and (_names_verdicts(node) or (isinstance(node, ast.Name) and node.id in handles))
        }
        assert users == DEFINES.get(path.stem, set()), path.name


def _readers() -> set[str]:
    """The public functions of the store that lead to verdicts in force, through whichever others."""
    calls: dict[str, set[str]] = {}
    public: dict[str, str] = {}
    for path in STORE.glob("*.py"):
        for function, node in _nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and function:
                calls.setdefault(f"{path.stem}.{function}", set()).add(node.func.id)
                public[f"{path.stem}.{function}"] = function
    reading, known = {"verdicts.in_force", "blocks.verdict_columns"}, set[str]()
    while known != reading:
        known = set(reading)
        names = {name.partition(".")[2] for name in known}
        reading |= {
            caller for caller, called in calls.items() if any(_same(caller, name, known) for name in called & names)
        }
    return {name for name in reading if not public.get(name, "in_force").startswith("_")} - {"verdicts.in_force"}


def _same(caller: str, name: str, known: set[str]) -> bool:
    """Whether the function of this name that ``caller`` calls is a known one: its module's own comes first."""
    module = caller.partition(".")[0]
    own = f"{module}.{name}" in {f"{module}.{function}" for function in dir(getattr(store, module))}
    defined = getattr(getattr(store, module), name, None)
    home = getattr(defined, "__module__", "").rpartition(".")[2] if own else ""
    return f"{home}.{name}" in known


Reader = Callable[[Connection], Any]
READERS: Mapping[str, Reader] = {
    "blocks.verdict_columns": lambda c: {name: v.tolist() for name, v in every_column(c).items()},
    "arrays.verdict_table": lambda c: _table(store.arrays.verdict_table(c, BENCHMARK)),
    "arrays.trials": lambda c: _arrays(store.arrays.trials(c, BENCHMARK, "judge")),
    "arrays.failures": lambda c: store.arrays.failures(c, BENCHMARK, "judge", 9),
    "arrays.score_table": lambda c: _scores(store.arrays.score_table(c, BENCHMARK)),
    "battles.judged_trials": lambda c: list(store.battles.judged_trials(c, BENCHMARK)),
    "battles.trials_between": lambda c: [list(store.battles.trials_between(c, BENCHMARK, k, PAIR)) for k in KEYS],
    "battles.readings_of": lambda c: [list(store.battles.readings_of(c, BENCHMARK, key)) for key in KEYS],
    "battles.mean_preference": lambda c: [store.battles.mean_preference(c, BENCHMARK, key, PAIR) for key in KEYS],
    "battles.count": lambda c: store.battles.count(c, BENCHMARK),
    "battles.unread": lambda c: list(store.battles.unread(c, "judge", "3")),
    "battles.page": lambda c: [_page(c, **chosen) for chosen in FILTERS],
    "goal_readings.goal_readings": lambda c: _goals(store.goal_readings.goal_readings(c, BENCHMARK, "judge")),
    "goal_readings.lists_on": lambda c: [_goals(store.goal_readings.lists_on(c, BENCHMARK, key)) for key in KEYS],
    "goal_readings.judges_with_goals": lambda c: store.goal_readings.judges_with_goals(c, BENCHMARK),
    "labels.unlabelled": lambda c: store.labels.unlabelled(c, BENCHMARK, "ann"),
    "labels.unlabelled_pairs": lambda c: [store.labels.unlabelled_pairs(c, n, "ann") for n in range(1, 6)],
    "labels.beside_judges": lambda c: store.labels.beside_judges(c, BENCHMARK, "ann"),
    "marks.judged_otherwise": lambda c: store.marks.judged_otherwise(c, BENCHMARK, CUT),
    "marks.take": lambda c: store.marks.take(c, BENCHMARK, ()),  # it writes; what it reads of verdicts is the one above
    "verdicts.preferences": lambda c: sorted(store.verdicts.preferences(c, BENCHMARK, TRIAL_KEYS).items()),
    "verdicts.plain_rows": lambda c: store.verdicts.plain_rows(c, BENCHMARK),
    "verdicts.count": lambda c: store.verdicts.count(c, BENCHMARK),
    "verdicts.benchmarks_of": lambda c: store.verdicts.benchmarks_of(c, "judge"),
    "verdicts.failures": lambda c: sorted(map(repr, store.verdicts.failures(c, BENCHMARK))),
    "verdicts.spent": lambda c: store.verdicts.spent(c, BENCHMARK, "judge"),
}
FILTERS: tuple[dict[str, Any], ...] = (
    *({}, {"judge": "judge"}, {"category": "c0"}, {"models": ("alpha",)}, {"text": "What"}, {"order": "upsets"}),
    *({flag: True} for flag in ("inconsistent", "without_verdict", "suspicious", "against_human")),
)


def _page(connection: Connection, **chosen: Any) -> Any:
    strength = {"alpha": 0.4, "beta": 0.6}
    return store.battles.page(connection, BENCHMARK, store.battles.BattleFilter(**chosen), strength, at=slice(0, 50))


def _goals(readings: Sequence[store.goal_readings.GoalReading]) -> Any:
    """In whichever order."""
    return sorted((one.instruction, str(one.status), one.goals) for one in readings)


def _table(stored: store.arrays.StoredTable) -> Any:
    table = stored.table
    return table.preference.tolist(), table.instruction.tolist(), table.order.tolist(), stored.left_out


def _arrays(trials: store.arrays.Trials) -> Any:
    """In whichever order."""
    costs = np.nan_to_num(trials.cost_usd, nan=-1).tolist()
    return sorted(zip(trials.instruction.tolist(), trials.status.tolist(), costs, strict=True))


def _scores(stored: store.arrays.StoredScores) -> Any:
    return stored.table.score.tolist(), stored.table.model.tolist(), stored.left_out


def reading(number: int, score: float | None) -> TrialResult:
    """Of one output by itself."""
    status = Status.UNPARSED if score is None else Status.OK
    goals = (Goal("as it was read first", (1,), "no", "broke", 1),)
    verdict = Verdict(
        status,
        Source.NONE if score is None else Source.LABEL,
        score=score,
        parser="2",
        goals=goals,
        spans=(Span(0, 1, "bad"),),
    )
    reply = Completion("R", cost_usd=0.01)
    return TrialResult(f"reading {number}", KEYS[number], "alpha", None, None, 0, verdict, reply)


@pytest.fixture
def revised(database: Database) -> Database:
    """Trials that failed at first, that were read again, and that were asked again under a constraint."""
    writer = filled(database, instructions=5)
    low = Verdict(Status.OK, Source.LOGPROBS, 0.25, mass=0.2, parser="1")
    plain = [result(trial(4, order), ok(preference)) for order, preference in zip(Order, (0.0, 1.0), strict=True)]
    asked_again = replace(result(trial(3), ok(0.75)), first=(UNREAD, Completion("?", cost_usd=1)))
    with database.write() as connection:
        writer.add(connection, [result(trial(0, order), failed(), reply=None) for order in Order])
        writer.add(connection, [result(trial(1), UNREAD), result(trial(1, Order.BA), low), *plain, asked_again])
        writer.add(connection, [result(trial(2), ok(1.0)), reading(0, None), reading(1, 3.0)])
        writer.add(connection, [result(trial(0), ok(1.0))])
        replies = {(reply.trial.key): reply.verdict_id for reply in store.battles.unread(connection, "judge", "newer")}
        newly = {trial(1).key: ok(0.0), trial(1, Order.BA).key: ok(1.0), trial(2).key: UNREAD}
        add_reparsed(connection, {replies[key]: verdict for key, verdict in newly.items()})
        goals = (Goal("as it is read now", (1,), "yes"),)
        seven = Verdict(Status.OK, Source.LABEL, score=7.0, parser="newer", goals=goals)
        scored = dict.fromkeys(_pointwise(connection), seven)
        add_reparsed(connection, scored)
    _judge_a_twin(database)
    for number, preference in ((1, 1.0), (4, 0.5)):
        label = HumanLabel.of("ann", KEYS[number], first="alpha", second="beta", preference=preference)
        services.labels.vote(database, "bench", label)
    return database


def _judge_a_twin(database: Database) -> None:
    """Another benchmark has the same trials, all but one taken over, with other verdicts of higher revisions."""
    asked = [instruction(number, category=f"c{number % 2}") for number in range(5)]
    submitted(database, asked, PAIR, lambda model, number: f"{model} says {number}", benchmark="twin")
    writer = judging(database, benchmark="twin")
    with database.write() as connection:
        writer.add(connection, [result(trial(0), failed(), reply=None), result(trial(0, Order.BA), ok(0.5))])
        assert len(writer.take_over(connection, TRIAL_KEYS)) == 7
        verdicts = list(store.battles.judged_trials(connection, BENCHMARK + 1))
        for _ in range(2):
            add_reparsed(connection, {judged.verdict_id: ok(0.25) for judged in verdicts})


def _pointwise(connection: Connection) -> list[int]:
    v = schema.verdicts.c
    return list(connection.scalars(sa.select(v.id).where(v.output_b_id.is_(None))))


@pytest.fixture
def newest(revised: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A copy that has forgotten all but the newest revisions."""
    address = str(tmp_path_factory.mktemp("newest") / "newest.db")
    copy(revised, address)
    database = Database(address)
    v, newer = schema.verdicts.c, schema.verdicts.alias("newer").c
    with database.write() as connection:
        same = (newer.trial_key == v.trial_key) & (newer.instruction_id == v.instruction_id)
        older = sa.exists().where(same, newer.revision > v.revision)
        gone = sa.select(v.id).where(older)
        for table in (schema.verdict_goals, schema.verdict_spans):
            connection.execute(sa.delete(table).where(table.c.verdict_id.in_(gone)))
        assert connection.execute(sa.delete(schema.verdicts).where(older)).rowcount == 7 + 1 + 2 * 8
        connection.execute(sa.update(schema.verdicts).values(revision=0))
    refresh(database)
    yield database
    database.close()


def test_every_reader_is_in_the_table() -> None:
    counted_otherwise = {"battles.count", "labels.unlabelled", "labels.unlabelled_pairs", "verdicts.count"}
    assert _readers() | counted_otherwise == set(READERS)


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 1 << 16])
def test_every_reader_sees_the_newest_revisions_alone(
    revised: Database, newest: Database, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.blocks, "BLOCK", size)
    refresh(revised)
    for name, read in READERS.items():
        with revised.read() as one, newest.read() as other:
            assert store.verdicts.any_revised(one) != store.verdicts.any_revised(other)
            assert repr(read(one)) == repr(read(other)), name


def test_the_vote_queue_takes_its_doubt_from_them(revised: Database) -> None:
    """Read again, both orders of this battle contradict each other; before, one was not read and one was sure."""
    with revised.read() as connection:
        assert store.battles.mean_preference(connection, BENCHMARK, KEYS[1], PAIR) == 0.5
    pair = services.labels.next_pair(revised, "bench", "bob", seed=0)
    assert pair is not None
    assert pair.instruction.key in (KEYS[1], KEYS[4])
    assert services.labels.progress(revised, "bench", "ann").mine == 2


def test_a_reply_is_paid_once_however_often_it_is_read(revised: Database) -> None:
    """Eight replies at a cent, and one that was asked again for which a dollar was paid as well."""
    with revised.read() as connection:
        assert store.costs.costs(connection, BENCHMARK) == pytest.approx({"alpha": 1.09, "beta": 1.07})
        _, run = store.runs.runs(connection)
        tokens, _ = store.verdicts.past_replies(connection, JUDGE.digest)
    assert run.cost_usd == pytest.approx(1.09)
    assert tokens is None


def test_a_run_counts_each_trial_once_as_it_ended_last(revised: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {Status.OK: 8, Status.FAILED: 1, Status.UNPARSED: 1}
    for size in (1, 2, 5, 1 << 16):
        monkeypatch.setattr(store.blocks, "BLOCK", size)
        monkeypatch.setattr(store.runs, "_KEPT", store.events.Kept())
        for _ in range(2):  # counted, and kept
            with revised.read() as connection:
                twin, run = store.runs.runs(connection)
            assert run.ended == expected
            assert twin.ended == {Status.OK: 8}
