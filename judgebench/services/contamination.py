"""A benchmark's instructions and references found elsewhere: in outputs, in templates, in other benchmarks, in a file.

An output that repeats the very instruction it answers is no finding: many tasks ask for that. The comparison is
``bias.contamination``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from judgebench import store
from judgebench.bias.contamination import find_overlaps
from judgebench.estimate import Estimate
from judgebench.formats.documents import file_rows
from judgebench.records import Instruction, Output
from judgebench.spec.templates import load_template, templates
from judgebench.stats.intervals import bounded_mean
from judgebench.store.database import Connection, Database

_EXCERPT = 160  # characters


@dataclass(frozen=True, slots=True)
class Searched:
    """A text in which the benchmark's are looked for."""

    where: str  # e.g. "output of claude-2", "template pairwise/two-way.v1"
    text: str
    answers: str | None = None  # key of the instruction that it is an output to


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look; None: in all there are, an empty sequence: in none."""

    models: Sequence[str] | None = None  # outputs to the benchmark
    templates: Sequence[str] | None = None  # names or files
    benchmarks: Sequence[str] | None = None  # instructions of others
    texts: Sequence[Searched] = ()


def texts_of(file: str | PathLike[str]) -> list[Searched]:
    """Every text of every row of a JSON, JSONL, CSV or parquet file. Raises InputError where it cannot be read."""
    return [
        Searched(f"{row.place}, {column}", row.as_text(column, value))
        for row in file_rows(file)
        for column, value in row.values.items()
        if isinstance(value, str) and value
    ]


@dataclass(frozen=True, slots=True)
class RepeatedText:
    """A text of the benchmark found elsewhere."""

    what: str  # "instruction" or "reference"
    instruction: str  # key
    excerpt: str
    where: str
    similarity: float  # in [0, 1]
    inside: bool  # as a part of a longer text
    verbatim: bool  # thirteen words in a row are the same


@dataclass(frozen=True, slots=True)
class Contamination:
    """What was found. Shares are of the benchmark's instructions that have such a text."""

    benchmark: str
    searched: int  # texts
    found: tuple[RepeatedText, ...]  # the most similar first
    instructions: Estimate  # share found anywhere
    references: Estimate
    verbatim: Estimate  # share of instructions with thirteen words in a row found anywhere


def contamination(
    database: Database, benchmark: str, where: Places | None = None, *, threshold: float = 0.75, level: float = 0.95
) -> Contamination:
    """Look for the benchmark's instructions and references.

    Raises UnknownName for any name that is not there, InputError for a threshold outside (0, 1].
    """
    where = where or Places()
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        instructions = store.benchmarks.instructions(connection, benchmark_id)
        places = [*where.texts, *_templates(where.templates)]
        places += _outputs(connection, benchmark_id, where.models)
        others = store.benchmarks.benchmark_names(connection) if where.benchmarks is None else where.benchmarks
        for name in others:
            if name != benchmark and not name.startswith(store.benchmarks.STAGE):
                places += _instructions(connection, name)
    with_reference = [instruction for instruction in instructions if instruction.reference]
    ours = [("instruction", instruction.key, instruction.visible) for instruction in instructions]
    ours += [("reference", instruction.key, instruction.reference or "") for instruction in with_reference]
    overlaps = find_overlaps([text for _, _, text in ours], [place.text for place in places], threshold=threshold)
    repeats = [
        RepeatedText(what, key, text[:_EXCERPT], places[there].where, same.similarity, same.inside, same.verbatim)
        for same in overlaps
        for what, key, text in (ours[here] for here in same.texts)
        for there in same.others
        if not (what == "instruction" and places[there].answers == key)
    ]
    repeated = [repeat for repeat in repeats if repeat.what == "instruction"]
    return Contamination(
        benchmark=benchmark,
        searched=len(places),
        found=tuple(repeats),
        instructions=_share(instructions, repeated, level),
        references=_share(with_reference, [repeat for repeat in repeats if repeat.what == "reference"], level),
        verbatim=_share(instructions, [repeat for repeat in repeated if repeat.verbatim], level),
    )


def _share(instructions: Sequence[Instruction], repeats: Sequence[RepeatedText], level: float) -> Estimate:
    """Of the instructions, those that are among the repeats."""
    keys = {repeat.instruction for repeat in repeats}
    hit = np.array([instruction.key in keys for instruction in instructions], dtype=np.float64)
    return bounded_mean(hit, np.arange(len(hit)), level=level)


def _templates(names: Sequence[str] | None) -> list[Searched]:
    chosen = templates() if names is None else [load_template(name) for name in names]
    return [Searched(f"template {template.id}", f"{template.system}\n{template.user}") for template in chosen]


def _outputs(connection: Connection, benchmark_id: int, models: Sequence[str] | None) -> list[Searched]:
    names = store.benchmarks.model_names(connection, benchmark_id) if models is None else list(models)
    for name in names:
        store.models.check_model(connection, name)
    return [
        Searched(f"output of {name}{_number(output)}", output.visible, answered.instruction.key)
        for answered in store.benchmarks.answered_instructions(connection, benchmark_id, names)
        for name, samples in answered.samples.items()
        for output in samples
    ]


def _number(output: Output) -> str:
    return f", sample {output.sample + 1}" if output.sample else ""


def _instructions(connection: Connection, benchmark: str) -> list[Searched]:
    instructions = store.benchmarks.instructions(connection, store.benchmarks.benchmark_id(connection, benchmark))
    return [Searched(f"benchmark {benchmark}, instruction {row.key}", row.visible) for row in instructions]
