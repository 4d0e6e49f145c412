"""How a study asks what a benchmark of the field asks: fields that a profile sets, and first turns by themselves."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from judgebench import store
from judgebench.counts import count
from judgebench.errors import InputError, first_names
from judgebench.formats.games import after_turns
from judgebench.leaderboard.profiles import BenchmarkProfile, profile_named
from judgebench.records import Instruction, Output
from judgebench.services.submissions import add_read
from judgebench.spec.templates import load_template
from judgebench.store.database import Connection, Database


def study_fields(
    database: Database,
    benchmark: str,
    profile: str,
    *,
    category: str | None = None,
    compares: bool = False,
    template: str | None = None,
) -> dict[str, Any]:
    """What the profile sets of a study of this benchmark, under whatever else is given.

    ``compares``: the study says itself which outputs meet. Then nothing is set of that, and of a profile that scores
    outputs and also compares them, it is the template that compares. ``template``: a name or a file, in place of the
    profile's.

    Raises UnknownName, and InputError where categories are asked in different ways, or no baseline has an output.
    """
    how = profile_named(profile)
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        categories = _categories(connection, benchmark_id, category)
        models = store.benchmarks.model_names(connection, benchmark_id)
    ways = {_way(how, name, models, compares=compares) for name in categories}
    if template is not None:
        ways = {(template, baseline) for _, baseline in ways}
    if len(ways) > 1:
        names = ", ".join(sorted(name for name in categories if name is not None))
        raise InputError(
            f"{how.label} asks in {count(len(ways), 'way')} by category: run each with --category, one of {names}"
        )
    [(name, baseline)] = ways
    judge = {"template": name, "settings": dict(how.settings)}
    if load_template(name).kind == "pointwise":
        return {"judge": judge}
    fields: dict[str, Any] = {"judge": judge, "orders": how.orders}
    if compares or not how.baselines_of(category):
        return fields
    if baseline is None:
        usual = ", ".join(how.baselines_of(next(iter(categories))))
        raise no_baseline(how, usual, models)
    return fields | {"baseline": baseline}


def no_baseline(how: BenchmarkProfile, usual: str, models: Collection[str]) -> InputError:
    """What to raise where none of the benchmark's own baselines has outputs; ``models`` have."""
    others = f", such as {first_names(sorted(models))}" if models else ""
    return InputError(f"{how.label} compares with {usual}, without an output here: name another by --baseline{others}")


def _categories(connection: Connection, benchmark_id: int, category: str | None) -> set[str | None]:
    """The one that was chosen, or those there are."""
    if category is not None:
        return {category}
    return {row.category for row in store.benchmarks.instructions(connection, benchmark_id)} or {None}


def _way(
    how: BenchmarkProfile, category: str | None, models: Collection[str], *, compares: bool
) -> tuple[str, str | None]:
    """The template, and the first of the benchmark's baselines that has outputs."""
    baseline = next((name for name in how.baselines_of(category) if name in models), None)
    return how.template_of(category, compares=compares), None if compares else baseline


def add_first_turns(database: Database, benchmark: str, profile: str) -> int:
    """Store the first turn of each question of several turns as an instruction of its own, with models' first replies,
    where the profile judges these. The number of new instructions.

    As importing MT-Bench's judgments does; a reference stays that of the whole question. Storing again adds nothing.
    """
    if not profile_named(profile).by_turn:
        return 0
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        models = store.benchmarks.model_names(connection, benchmark_id)
        return add_read(connection, benchmark, list(_first_turns(connection, benchmark_id, models))).instructions.new


def _first_turns(
    connection: Connection, benchmark_id: int, models: Collection[str]
) -> Iterator[tuple[Instruction, Output]]:
    for question in store.benchmarks.answered_instructions(connection, benchmark_id, sorted(models)):
        whole = question.instruction
        if len(whole.turns) < 2 or not whole.plain:
            continue
        part = replace(after_turns(whole, 1), reference=whole.reference)
        for model, samples in question.samples.items():
            for output in samples:
                if output.plain and output.earlier:
                    yield part, Output(part.key, model, output.earlier[0], sample=output.sample)
