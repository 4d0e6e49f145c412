"""Another name for a benchmark, a model or a judge, wherever the old one stands.

A model's name is in the keys of its trials, and of two models the one whose name sorts first is A: both follow the new
name. Audits' documents and the studies of runs say the new name too; what others wrote, outputs, replies and the
evidence quoted from them, stays as it is.
"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from judgebench.store import blocks, tokens, trial_keys
from judgebench.store import schema as t
from judgebench.store.benchmarks import STAGE, stages_of
from judgebench.store.database import insert

_PAGE = 500
# What a name by itself is of, by the field of a document that it stands in; where no field says, of a model.
_NAMED = {
    **dict.fromkeys(("judge", "judges", "verdicts"), "judge"),
    **dict.fromkeys(("benchmark", "stored_as"), "benchmark"),
    **dict.fromkeys(("audit", "findings", "rule", "rules", "severity"), "nothing"),
    "model": "model",
}
_FIELDS = {"benchmark": ("benchmark",), "judge": ("judge",), "model": ("model", "opponent", "baseline")}
_QUOTED = "evidence"  # of a finding: what stands in an output
_m, _o, _r, _b = t.models.c, t.outputs.c, t.runs.c, t.benchmarks.c
_LINEAGE = (_m.family, _m.parent, _m.trained_on)
Specification = dict[str, Any]


def is_taken(connection: sa.Connection, kind: str, row: int, name: str) -> bool:
    """Whether a benchmark, model or judge has the name that is to be ``row``'s. A model that nothing refers to and that
    has its lineage does not: it stands for the LLM of a judge."""
    table = t.metadata.tables[f"{kind}s"]
    known = connection.scalar(sa.select(table.c.id).where(table.c.name == name))
    if known is None or table is not t.models:
        return known is not None
    lineages = [connection.execute(sa.select(*_LINEAGE).where(_m.id == place)).one() for place in (row, known)]
    references = (column for other in t.metadata.sorted_tables for column in other.columns if column.references(_m.id))
    return (
        lineages[0] != lineages[1]
        or known == row
        or any(
            connection.scalar(sa.select(column).where(column == known).limit(1)) is not None for column in references
        )
    )


def rename_benchmark(connection: sa.Connection, benchmark: int, old: str, new: str) -> None:
    """With the stages of its audits, in the connection's write transaction."""
    stages = stages_of(connection, old)
    tokens.rename_benchmark(connection, old, new)
    connection.execute(sa.update(t.benchmarks).where(_b.id == benchmark).values(name=new))
    for place, name in stages.items():
        renamed = f"{STAGE}{new}/{name.removeprefix(f'{STAGE}{old}/')}"
        connection.execute(sa.update(t.benchmarks).where(_b.id == place).values(name=renamed))
        _in_studies(connection, _r.benchmark_id == place, _setting("benchmark", renamed))
        _in_audits(connection, t.audits.c.benchmark_id == benchmark, "benchmark", name, renamed)
    _in_studies(connection, _r.benchmark_id == benchmark, _setting("benchmark", new))
    _in_audits(connection, t.audits.c.benchmark_id == benchmark, "benchmark", old, new)
    _in_jobs(connection, "benchmark", old, new)


def rename_judge(connection: sa.Connection, judge: int, old: str, new: str) -> None:
    """In the connection's write transaction. A judge's name is in no key."""
    connection.execute(sa.update(t.judges).where(t.judges.c.id == judge).values(name=new))

    def named(study: Specification) -> Specification:
        return study | {"judge": study.get("judge", {}) | {"name": new}}

    _in_studies(connection, _r.judge_id == judge, named)
    _in_audits(connection, sa.true(), "judge", old, new)
    _in_jobs(connection, "judge", old, new)


def rename_model(connection: sa.Connection, model: int, old: str, new: str) -> None:
    """In the connection's write transaction. Those that descend from it descend from the new name; a judge that asks
    an LLM of the old name keeps the lineage that was declared for it."""
    names = {row.id: row.name for row in connection.execute(sa.select(_m.id, _m.name)) if row.name != new}
    connection.execute(sa.delete(t.models).where(_m.name == new))  # see ``is_taken``
    connection.execute(sa.update(t.models).where(_m.id == model).values(name=new))
    _in_lineages(connection, old, new)
    _keep_lineage(connection, model, old)
    swapped = [place for place, name in names.items() if place != model and (old < name) != (new < name)]
    for table in (t.verdicts, t.batch_trials, t.human_labels) if swapped else ():
        connection.execute(_swap(table, model, swapped))
    trial_keys.follow_name(connection, model)
    if swapped:
        blocks.reseal(connection)
    _in_studies(connection, sa.true(), lambda study: _renamed_model(study, old, new))
    _in_audits(connection, sa.true(), "model", old, new)
    _in_jobs(connection, "model", old, new)


RENAME = {"benchmark": rename_benchmark, "model": rename_model, "judge": rename_judge}  # by kind


def without_model(connection: sa.Connection, name: str) -> None:
    """Leave the model out of the studies that list models; one of which it was the baseline cannot be planned again."""

    def without(study: Specification) -> Specification:
        models = [item for item in study.get("models", ()) if item != name]
        pairs = [pair for pair in study.get("pairs", ()) if name not in pair]
        return study | ({"models": models} if models else {}) | ({"pairs": pairs} if pairs else {})

    _in_studies(connection, sa.true(), without)


def _setting(field: str, value: str) -> Callable[[Specification], Specification]:
    return lambda study: study | {field: value}


def _renamed_model(study: Specification, old: str, new: str) -> Specification:
    """A study as ``spec.Study`` writes it, in which models stand by name."""

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return new if value == old else value

    return study | {name: renamed(study[name]) for name in ("models", "pairs", "better", "baseline") if name in study}


def _in_studies(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], change: Callable[[Specification], Specification]
) -> None:
    """Change the studies of runs; an import has none."""
    runs = sa.select(_r.id, _r.specification).where(chosen, _r.kind != "import")
    for run, written in connection.execute(runs).all():
        study = json.loads(written)
        if study and (changed := change(study)) != study:
            values = {"specification": json.dumps(changed, sort_keys=True)}
            connection.execute(sa.update(t.runs).where(_r.id == run).values(**values))


def _in_jobs(connection: sa.Connection, kind: str, old: str, new: str) -> None:
    """Change what jobs were asked for, so that those that were stopped can go on, and what they reported."""
    j = t.jobs.c
    for row in connection.execute(sa.select(j.id, j.kind, j.subject, j.specification, j.report)).all():
        request, of = json.loads(row.specification), "model" if row.kind == "answer" else "judge"
        is_subject = kind == of and row.subject == old
        if kind == "judge" and row.kind == "run" and is_subject:
            request["study"] = request["study"] | {"judge": request["study"]["judge"] | {"name": new}}
        elif row.kind == "run" and kind == "model":
            request["study"] = _renamed_model(request["study"], old, new)
        else:
            request = {part: _with_names(value, kind, old, new) for part, value in request.items()}
        report = None if row.report is None else json.dumps(_renamed(json.loads(row.report), kind, old, new, "model"))
        values = {"specification": json.dumps(request, sort_keys=True), "report": report}
        values |= {"subject": new} if is_subject else {}
        connection.execute(sa.update(t.jobs).where(j.id == row.id).values(**values))


def _with_names(fields: Any, kind: str, old: str, new: str) -> Any:
    """The fields of a study, or of an audit's settings, whose names of this kind are new where they were old."""
    if not isinstance(fields, dict):
        return fields

    def renamed(value: Any) -> Any:
        return [renamed(item) for item in value] if isinstance(value, list) else new if value == old else value

    return {field: renamed(value) if field in _FIELDS[kind] else value for field, value in fields.items()}


def _in_audits(connection: sa.Connection, chosen: sa.ColumnElement[bool], kind: str, old: str, new: str) -> None:
    """Say the new name in documents where the old one stands by itself for what has been renamed."""
    a, after = t.audits.c, 0
    while True:
        page = sa.select(a.id, a.document).where(chosen, a.id > after).order_by(a.id).limit(_PAGE)
        rows = connection.execute(page).all()
        if not rows:
            return
        for place, written in rows:
            document = json.loads(written)
            changed = {
                field: _renamed(value, kind, old, new, _NAMED.get(field, "model")) for field, value in document.items()
            }
            if changed != document:
                values = {"document": json.dumps(changed, ensure_ascii=True, sort_keys=True)}
                connection.execute(sa.update(t.audits).where(a.id == place).values(**values))
        after = rows[-1].id


def _renamed(value: Any, kind: str, old: str, new: str, of: str) -> Any:
    """``of``: what a name by itself is of there."""
    match value:
        case str() if value == old:
            return new if of == kind else value
        case str():
            return value.replace(f"{kind} {old!r}", f"{kind} {new!r}")
        case list():
            return [_renamed(item, kind, old, new, of) for item in value]
        case dict():
            return {
                _renamed(key, kind, old, new, of): item
                if key == _QUOTED
                else _renamed(item, kind, old, new, _NAMED.get(key, of))
                for key, item in value.items()
            }
    return value


def _in_lineages(connection: sa.Connection, old: str, new: str) -> None:
    """Where the model is named as a parent or teacher."""
    connection.execute(sa.update(t.models).where(_m.parent == old).values(parent=new))
    for place, written in connection.execute(sa.select(_m.id, _m.trained_on).where(_m.trained_on != "[]")).all():
        teachers = json.loads(written)
        if old in teachers:
            renamed = json.dumps([new if name == old else name for name in teachers], ensure_ascii=False)
            connection.execute(sa.update(t.models).where(_m.id == place).values(trained_on=renamed))


def _keep_lineage(connection: sa.Connection, model: int, old: str) -> None:
    lineage = connection.execute(sa.select(*_LINEAGE).where(_m.id == model)).one()
    judges = connection.scalar(sa.select(sa.func.count()).where(t.judges.c.model == old))
    if judges and tuple(lineage) != (None, None, "[]"):
        insert(connection, t.models, name=old, **dict(lineage._mapping))


def _swap(table: sa.Table, model: int, others: list[int]) -> sa.Update:
    """A and B of the trials, or labels, of the model and one of the others."""
    c = table.c
    mine = sa.select(_o.id).where(_o.model_id == model)
    theirs = sa.select(_o.id).where(_o.model_id.in_(others))
    chosen = (c.output_a_id.in_(mine) & c.output_b_id.in_(theirs)) | (
        c.output_b_id.in_(mine) & c.output_a_id.in_(theirs)
    )
    values: dict[str, Any] = {
        "output_a_id": c.output_b_id,
        "output_b_id": c.output_a_id,
        "order": sa.case((c.order == "AB", "BA"), (c.order == "BA", "AB")),
    }
    if "preference" in c:
        values["preference"] = 1 - c.preference
    return sa.update(table).where(chosen).values(**values)
