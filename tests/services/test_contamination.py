"""A benchmark looked for in its own outputs, in templates and elsewhere, read from either engine."""

from judgebench import services
from judgebench.store.database import Database
from tests.filling import judged


def test_a_benchmark_that_nobody_repeats_is_clean(database: Database) -> None:
    judged(database)
    assert services.contamination.contamination(database, "bench").instructions.value == 0.0
