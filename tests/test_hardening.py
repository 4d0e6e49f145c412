"""The table of attacks and faults names tests that there are, and passes nothing that was not tried."""

import ast
from pathlib import Path

import pytest

from bench.hardening import CASES, Case, Outcomes, chosen_cases

ROOT = Path(__file__).parents[1]
CASE = Case(1, "a case", "none", ("tests/test_x.py::test_one", "tests/test_y.py"))


def names(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.number))
def test_every_case_names_tests_that_there_are(case: Case) -> None:
    assert case.tests
    for test in case.tests:
        file, _, name = test.partition("::")
        if not (ROOT / file).exists():
            pytest.skip(f"{file} is not here: the table has this case as missing")
        assert not name or name in names(file), test


@pytest.mark.parametrize(
    ("outcomes", "passed", "seen"),
    [
        (["passed", "passed"], True, "tests: 2 passed"),
        (["passed", "failed"], False, "tests: 1 passed, 1 failed"),
        (["passed", "skipped"], False, "tests: 1 passed, 1 skipped"),
        (["passed"], False, "tests: 1 passed, 1 missing"),
    ],
)
def test_a_case_passes_where_all_its_tests_were_run_and_passed(outcomes: list[str], passed: bool, seen: str) -> None:
    plugin = Outcomes()
    nodes = ("tests/test_x.py::test_one[a-1]", "tests/test_y.py::test_another")
    plugin.of = dict(zip(nodes, outcomes, strict=False))
    plugin.of |= {"tests/test_x.py::test_one_more": "failed"}
    row = plugin.row(CASE)
    assert (row.passed, row.seen) == (passed, seen)


def test_no_number_is_all_cases_and_a_number_of_none_is_refused() -> None:
    assert chosen_cases(None) == chosen_cases([]) == list(CASES)
    assert [case.number for case in chosen_cases([84])] == [84]
    with pytest.raises(ValueError, match="no case 1000"):
        chosen_cases([84, 1000])
