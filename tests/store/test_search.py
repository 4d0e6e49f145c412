"""Which instructions and outputs hold a text; see tests/services/test_battles.py for what people find by it."""

import pytest

from judgebench import store
from judgebench.store.database import Database
from judgebench.store.search import instructions_with, outputs_with
from tests import mixed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "instructions", "outputs"),
    [
        ("book", 1, 2),  # the system message and the tool; the calls
        ("BOOKS DAYS", 1, 0),
        ('{"days": 3}', 0, 1),
        ("Blue", 0, 2),
        ("says red", 0, 2),
        ('"', 1, 2),  # the tool's parameters, the calls' arguments
        ("segments", 0, 0),
        ("\\", 0, 0),
    ],
)
def test_only_what_somebody_said_is_searched(database: Database, text: str, instructions: int, outputs: int) -> None:
    mixed.filled(database)
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, mixed.BENCHMARK)
        assert len(connection.execute(instructions_with(connection, benchmark, text)).all()) == instructions
        assert len(connection.execute(outputs_with(connection, benchmark, text)).all()) == outputs
