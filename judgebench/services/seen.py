"""Outputs as people see them: each with its images, and with what judges say of its steps and goals."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from judgebench import services, store
from judgebench.audits.findings import Finding
from judgebench.errors import UnknownName
from judgebench.formats.outputs import OutputsFile
from judgebench.images import Copy
from judgebench.records import Instruction, Output
from judgebench.services.steps import StepReading, StepReport, readings_on
from judgebench.store.database import Connection, Database
from judgebench.store.goal_readings import GoalReading

Place = tuple[str, str]  # key of an instruction, and the model that answered it


@dataclass(frozen=True, slots=True)
class SeenOutput:
    """An output with what stands beside it wherever it is shown."""

    instruction: Instruction
    output: Output
    goals: tuple[GoalReading, ...] = ()  # on any output to the instruction
    steps: tuple[StepReading, ...] = ()


Seen = Mapping[Place, Sequence[SeenOutput]]


def outputs(database: Database, benchmark: str, places: Iterable[Place]) -> dict[Place, tuple[SeenOutput, ...]]:
    """Every sample at these places; what is not stored is left out. Raises UnknownName for the benchmark."""
    models: dict[str, list[str]] = {}
    for key, model in dict.fromkeys(places):
        models.setdefault(key, []).append(model)
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        known = set(store.benchmarks.model_names(connection, benchmark_id))
        return {
            (key, seen[0].output.model): seen
            for key, names in models.items()
            for seen in _to(connection, benchmark_id, key, [name for name in names if name in known])
        }


def _to(connection: Connection, benchmark: int, key: str, models: Sequence[str]) -> Iterable[tuple[SeenOutput, ...]]:
    """A model's after another's."""
    place = store.benchmarks.instruction_ids(connection, benchmark, [key]).get(key)
    if place is None or not models:
        return
    [row] = store.benchmarks.answered_instructions(connection, benchmark, models, after=place - 1, limit=1)
    goals = tuple(store.goal_readings.lists_on(connection, benchmark, key))
    steps = readings_on(connection, benchmark, key)
    for samples in row.samples.values():
        if samples:
            yield tuple(SeenOutput(row.instruction, output, goals, steps) for output in samples)


def of_file(
    database: Database, benchmark: str, model: str, file: OutputsFile, findings: Iterable[Finding]
) -> tuple[Seen, Mapping[str, Copy]]:
    """The same of a file's outputs, which are of ``model`` and need not be stored."""
    keys = {span.instruction for finding in findings for span in finding.evidence}
    seen: dict[Place, Sequence[SeenOutput]] = {}
    for row in file.outputs:
        place = (row.instruction.key, model)
        if place[0] in keys:
            seen[place] = (*seen.get(place, ()), SeenOutput(row.instruction, row.output))
    with suppress(UnknownName):
        stored = outputs(database, benchmark, seen)
        seen = {place: _as_stored(samples, stored.get(place, ())) for place, samples in seen.items()}
    held = [(one.instruction, one.output) for samples in seen.values() for one in samples]
    return seen, services.images.of_file(file.blobs, held)


def _as_stored(samples: Sequence[SeenOutput], stored: Sequence[SeenOutput]) -> list[SeenOutput]:
    """With what judges say of those that are stored already."""
    known = {one.output.sample: one for one in stored}
    return [known.get(one.output.sample, one) for one in samples]


def of_findings(
    database: Database, benchmark: str, findings: Iterable[Finding]
) -> tuple[dict[Place, tuple[SeenOutput, ...]], Mapping[str, Copy]]:
    """The outputs in which findings show places, where they are stored, and copies of their images by digest."""
    places = [(span.instruction, finding.model) for finding in findings for span in finding.evidence]
    seen: dict[Place, tuple[SeenOutput, ...]] = {}
    with suppress(UnknownName):  # a benchmark that is yet to be stored has no outputs
        seen = outputs(database, benchmark, places)
    return seen, images(database, seen)


def beside_steps(database: Database, report: StepReport) -> tuple[dict[str, list[GoalReading]], Mapping[str, Copy]]:
    """The lists of goals on what was judged in steps, by the key of the instruction, and copies of images by digest."""
    answered = {(one.instruction.key, one.output.model, one.output.sample): one for one in report.readings}
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, report.benchmark)
        keys = dict.fromkeys(key for key, *_ in answered)
        lists = {key: store.goal_readings.lists_on(connection, place, key) for key in keys}
    held = ((one.instruction, one.output) for one in answered.values())
    return lists, services.images.of_outputs(database, held)


def images(database: Database, seen: Seen) -> Mapping[str, Copy]:
    """Copies of those that the outputs hold, and what they answer, by digest; of many the first."""
    every = ((one.instruction, one.output) for samples in seen.values() for one in samples)
    return services.images.of_outputs(database, every)
