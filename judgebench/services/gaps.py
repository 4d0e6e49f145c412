"""Planned trials without a verdict: every study that came to its end is planned again, and held against what is stored.

Before verdicts belonged to a benchmark, a trial that another benchmark had an answer to was taken as answered, and has
no verdict in its own.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from judgebench import engine, store
from judgebench.clients.providers import takes_url
from judgebench.counts import are, count
from judgebench.engine.judges import NO_ADDRESS, ResolvedJudge, resolve, template_of
from judgebench.errors import DatabaseError, InputError, UnknownName
from judgebench.records import Instruction, Judge, Reading, Trial
from judgebench.spec import Pace, Study, make
from judgebench.store.database import Database
from judgebench.store.events import DELETED, Event
from judgebench.store.runs import EndedStudy

_LOOK_UP = 400  # trials looked up at once


@dataclass(frozen=True, slots=True)
class Gap:
    """Trials of a study that has ended, without a verdict on their benchmark."""

    benchmark: str
    judge: str
    planned: int
    elsewhere: int  # that another benchmark had an answer to when the study ended
    nowhere: int  # that none has, though their outputs were there, or none about the reference that the judge sees

    def __str__(self) -> str:
        parts = []
        if self.elsewhere:
            parts.append(f"{self.elsewhere} that other benchmarks have: run it again, which takes them over, no call")
        if self.nowhere:
            parts.append(f"{self.nowhere:,} that no benchmark has: run it again, which asks them")
        return (
            f"benchmark {self.benchmark!r}, judge {self.judge!r}: {self.elsewhere + self.nowhere} of "
            f"{count(self.planned, 'planned trial')} have no verdict there, {'; '.join(parts)}"
        )


@dataclass(frozen=True, slots=True)
class GapReport:
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be looked at, and what came later, in words


def find_gaps(database: Database, benchmark: str | None = None) -> GapReport:
    """Of all benchmarks, or of one. Nothing is asked or written. Raises UnknownName."""
    with database.read() as connection:
        place = None if benchmark is None else store.benchmarks.benchmark_id(connection, benchmark)
        ended = store.runs.ended_studies(connection, place)
        judges = {judge.name: judge for judge in store.judges.judges(connection)}
        places = {one.benchmark: store.benchmarks.benchmark_id(connection, one.benchmark) for one in ended}
        changes = store.events.changes(connection)
    known = [one for one in ended if not _is_changed(one, places[one.benchmark], judges[one.judge].digest, changes)]
    fixed = [one for one in known if one.specification.get("design") != "adaptive"]
    gaps: list[Gap] = []
    notes: list[str] = []
    for one in {_design(one): one for one in fixed}.values():  # the last of those that planned the same
        where = f"benchmark {one.benchmark!r}, judge {one.judge!r}"
        try:
            gap, later = _Replanned(database, one, judges[one.judge]).compare()
        except (InputError, UnknownName, DatabaseError) as error:
            notes.append(f"{where}: a run was not planned again: {error}")
            continue
        gaps += [gap] if gap.elsewhere or gap.nowhere else []
        notes += [f"{where}: {count(later, 'trial')} {are(later)} about outputs that came after a run"] if later else []
    if changed := len(ended) - len(known):
        notes.append(f"runs after which something of theirs was deleted or renamed are not planned again: {changed}")
    if adaptive := len(known) - len(fixed):
        notes.append(f"adaptive runs choose as they go, and are not planned again: {adaptive}")
    return GapReport(tuple(gaps), tuple(notes))


def _is_changed(ended: EndedStudy, benchmark: int, judge: str, changes: Sequence[Event]) -> bool:
    """Whether what it asked may have been deleted since, or it drew orders by a name that a model no longer has.

    ``judge``: its digest.
    """
    return any(
        change.at > ended.at
        and benchmark in change.details.get("benchmarks", ())
        and judge == change.details.get("judge_digest", judge)
        and (change.action == DELETED or ended.specification.get("orders") == "random")
        for change in changes
    )


def _design(ended: EndedStudy) -> str:
    """What it plans; how fast it asked makes no difference."""
    design = {name: value for name, value in ended.specification.items() if name not in Pace.model_fields}
    return json.dumps([ended.benchmark, ended.kind, design], sort_keys=True)


class _Replanned:
    """A study that has ended, planned again by the judge and the outputs that are stored today."""

    def __init__(self, database: Database, ended: EndedStudy, judge: Judge) -> None:
        """Raises InputError and UnknownName where it cannot be."""
        self._database = database
        self._ended = ended
        self._judge = judge
        study = make(Study, ended.specification, where="its study").model_copy(update={"benchmark": ended.benchmark})
        self._plan = engine.plan.count(database, study, _resolved(study, judge))

    def compare(self) -> tuple[Gap, int]:
        """What has no verdict, and how many trials are about outputs that came later."""
        with self._database.read() as connection:
            shows = store.judges.shows(connection, self._judge) or ()
        elsewhere = nowhere = later = 0
        stream = engine.plan.planned_trials(self._database, self._plan, shows)
        while chunk := list(islice(stream, _LOOK_UP)):
            with self._database.read() as connection:
                known = store.verdicts.known_trials(connection, self._plan.benchmark_id, [trial.key for trial in chunk])
                missing = [trial for trial in chunk if trial.key not in known.ended]
                answered = store.verdicts.answered_by(connection, [trial.key for trial in missing], self._ended.at)
            equal = [self._same_shown(trial, answered[trial.key]) for trial in missing if trial.key in answered]
            elsewhere += sum(equal)
            nowhere += len(equal) - sum(equal)
            if self._ended.kind != "batch":  # a closed batch may have left trials without a result
                there = list(self._were_there([trial for trial in missing if trial.key not in answered]))
                nowhere += sum(there)
                later += len(there) - sum(there)
        return Gap(self._ended.benchmark, self._judge.name, self._plan.trials, elsewhere, nowhere), later

    def _same_shown(self, trial: Trial | Reading, others: Sequence[tuple[str | None, tuple[str, ...]]]) -> bool:
        """Whether one of these references and checklists is to the judge what the trial's own are."""
        own, template = _instruction(trial), self._plan.resolved.template
        elsewhere = (replace(own, reference=reference, checklist=checklist) for reference, checklist in others)
        return any(template.shown(other) == template.shown(own) for other in elsewhere)

    @cached_property
    def _newest(self) -> int:
        with self._database.read() as connection:
            return store.verdicts.newest_output(connection, self._ended.at)

    def _were_there(self, trials: Sequence[Trial | Reading]) -> Iterator[bool]:
        """Of each trial, whether all its outputs had come when the study ended. Keys do not tell: they may be made
        anew, and then no trial has one of what another benchmark was asked under the old ones."""
        keys = sorted({_instruction(trial).key for trial in trials})
        with self._database.read() as connection:
            there = store.verdicts.outputs_until(connection, self._plan.benchmark_id, keys, self._newest)
        for trial in trials:
            sides = (trial.output,) if isinstance(trial, Reading) else (trial.battle.a, trial.battle.b)
            yield all((_instruction(trial).key, side.model, side.sample) in there for side in sides)


def _instruction(trial: Trial | Reading) -> Instruction:
    return (trial if isinstance(trial, Reading) else trial.battle).instruction


def _resolved(study: Study, judge: Judge) -> ResolvedJudge:
    """The judge with the template that it was asked with. Raises InputError and UnknownName where that is not here."""
    template = study.judge.template
    if template is None or not template.endswith(".md"):
        template = judge.template  # this version, whatever is the newest
    template_of(judge, template)
    fields = {"name": judge.name, "template": template, "settings": judge.settings}
    if study.judge.url is None and takes_url(
        judge.model
    ):  # another database's run, which nobody here has an address of
        fields["url"] = NO_ADDRESS
    return resolve(study.judge.model_copy(update=fields))
