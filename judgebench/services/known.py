"""What a benchmark holds, for files whose rows name its instructions by ids: read when the first row does."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from judgebench import store
from judgebench.formats.known import NOTHING, AmbiguousId, Known
from judgebench.formats.reading import Place
from judgebench.records import Instruction, Output
from judgebench.store.database import Connection, Database

_SHOWN_CHARS = 80  # of a text, in a message


def of(database: Database, benchmark: str | None) -> Known:
    """What the benchmark of this name holds; nothing where there is none."""
    if benchmark is None:
        return NOTHING
    with database.read() as connection:
        known = benchmark in store.benchmarks.benchmark_names(connection)
    return StoredKnown(database, benchmark) if known else NOTHING


class IdCheck:
    """Refuses rows whose id is that of another instruction than their text, by what is stored when the first comes.

    ``adds``: instructions that the benchmark lacks are added to it, so that they may bring an id that another has.
    """

    def __init__(self, connection: Connection, benchmark_id: int, *, adds: bool) -> None:
        self._connection, self._benchmark_id, self._adds = connection, benchmark_id, adds

    def check(self, rows: Iterable[tuple[Place, Instruction]]) -> None:
        """Raises InputError, naming file and row."""
        for place, instruction in rows:
            for value in instruction.ids:
                self._check(place, instruction, value)

    def _check(self, place: Place, instruction: Instruction, value: str) -> None:
        others = self._owners.get(value, {instruction.key})
        if len(others) > 1 or instruction.key in others or (self._adds and instruction.key not in self._stored):
            return
        (other,) = others
        stranger = store.benchmarks.instruction(self._connection, self._stored[other])
        texts = (repr(one.text[:_SHOWN_CHARS]) for one in (instruction, stranger))
        raise place.error(
            "its id {!r} is that of another instruction of the benchmark: the row asks {}, that one {}; correct the "
            "wrong one, leave the id out, so that the text counts, or add what the file asks by --extend".format(
                value[:_SHOWN_CHARS], *texts
            )
        )

    @cached_property
    def _stored(self) -> dict[str, int]:
        return store.benchmarks.instruction_ids(self._connection, self._benchmark_id)

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        """The keys of the instructions that have an id."""
        owners: dict[str, set[str]] = {}
        for key, values in store.external_ids.of_benchmark(self._connection, self._benchmark_id).items():
            for value in values:
                owners.setdefault(value, set()).add(key)
        return owners


class StoredKnown:
    """As a ``formats.known.Known``: a benchmark of a database."""

    def __init__(self, database: Database, benchmark: str) -> None:
        self._database, self._benchmark = database, benchmark
        self._outputs: dict[str, Mapping[str, tuple[Output, ...]]] = {}  # by model, then by instruction

    def instruction(self, id: str) -> Instruction | None:
        """Raises AmbiguousId."""
        several = self._by_id.get(id, ())
        if len(several) > 1:
            raise AmbiguousId(id)
        return several[0] if several else None

    def outputs(self, key: str, model: str) -> tuple[Output, ...]:
        if model not in self._outputs:
            with self._database.read() as connection:
                benchmark = store.benchmarks.benchmark_id(connection, self._benchmark)
                answered = store.benchmarks.answered_instructions(connection, benchmark, [model])
                self._outputs[model] = {row.instruction.key: row.samples.get(model, ()) for row in answered}
        return self._outputs[model].get(key, ())

    @cached_property
    def _by_id(self) -> dict[str, list[Instruction]]:
        with self._database.read() as connection:
            benchmark = store.benchmarks.benchmark_id(connection, self._benchmark)
            instructions = store.benchmarks.instructions(connection, benchmark)
        by_id: dict[str, list[Instruction]] = {}
        for instruction in instructions:
            for id in instruction.ids:
                by_id.setdefault(id, []).append(instruction)
        return by_id
