"""The attacks and faults that once got through, tried again; runs that are killed, and one that goes on for long.

    python -m bench.hardening [--kills 200] [--minutes 10] [--cases 46 84] [--seed 0]

Each case is the tests that hold it, run here; kills are halved between SQLite and a PostgreSQL server of this
measurement's own. The table at the end has a line for each, and the exit code is 1 where one is no pass. Numbers of
cases are those of the list in which they were first tried.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import long_run
from tests import postgres
from tests.cli.killing import Account, killed

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Case:
    number: int
    what: str
    bar: str
    tests: tuple[str, ...]  # a file each, or FILE::NAME


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    bar: str
    seen: str
    passed: bool


class Outcomes:
    """What became of each test, by its node id: "passed", "failed" or "skipped"; a plugin of pytest."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.of[report.nodeid] = report.outcome

    def row(self, case: Case) -> Row:
        """A case passes where each of its tests was run and passed; a skipped one shows nothing."""
        counts = Counter[str]()
        for test in case.tests:
            names = [(node.partition("[")[0], outcome) for node, outcome in self.of.items()]
            found = [outcome for name, outcome in names if name == test or name.startswith(f"{test}::")]
            counts.update(found or ["missing"])
        seen = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        return Row(f"{case.number} {case.what}", case.bar, f"tests: {seen}", counts.keys() == {"passed"})


_CLI, _STORE, _CLIENTS, _APP = "tests/cli/test_", "tests/store/test_", "tests/clients/test_", "tests/app/test_"
_NONCES = "tests/judging/test_nonces.py"
_PLANTED, _PARSING = "tests/judging/test_planted.py::test_", "tests/judging/parsing/test_"

CASES = (
    Case(
        7,
        "Ctrl-C, server hangs",
        "said at once, rc 130",
        (f"{_CLI}killed.py::test_an_interrupt_says_what_it_waits_for_and_a_second_one_stops_at_once",),
    ),
    Case(
        8,
        "Ctrl-C while it loads",
        "rc 130, no traceback",
        (f"{_CLI}main.py::test_an_interrupt_while_it_is_loaded_is_quiet",),
    ),
    Case(
        14,
        "full disk on stdout",
        "one line, rc 2",
        (f"{_CLI}main.py::test_a_full_disk_behind_the_output_is_one_clear_error",),
    ),
    Case(
        16,
        "database in a folder that is read only",
        "read",
        (f"{_STORE}database.py::test_a_database_that_cannot_be_written_is_read",),
    ),
    Case(
        17,
        "database file 0444, its log beside it",
        "read",
        (f"{_STORE}database.py::test_what_another_process_has_not_yet_put_in_place_is_read_too",),
    ),
    Case(
        19,
        "locked by another for long",
        "waits; no paid reply lost",
        (
            "tests/engine/test_runner.py::test_a_locked_database_is_waited_for",
            f"{_CLI}killed.py::test_a_database_locked_for_longer_than_the_drain_loses_no_reply",
        ),
    ),
    Case(
        20,
        "two identical runs at once, SQLite",
        "each question paid once",
        (f"{_CLI}two_runs.py::test_processes_with_one_study_pay_once",),
    ),
    Case(
        21,
        "two identical runs at once, PostgreSQL",
        "each question paid once",
        (
            f"{_CLI}two_runs.py::test_processes_with_one_study_pay_once",
            "tests/engine/test_claims.py::test_runs_at_once_ask_each_trial_once",
        ),
    ),
    Case(
        25,
        "backup of a damaged file",
        "told, nothing saved",
        (f"{_STORE}transfer.py::test_a_damaged_file_is_told_from_a_saved_one",),
    ),
    Case(
        28,
        "unknown schema revision",
        "one line",
        (f"{_STORE}database.py::test_a_schema_that_nobody_made_is_one_clear_error",),
    ),
    Case(
        38,
        "https to a server without TLS",
        "its own seconds",
        (f"{_CLIENTS}openai_api.py::test_a_connection_that_is_never_made_is_said_with_its_own_time",),
    ),
    Case(
        43,
        "log probabilities null or NaN",
        "verdict kept",
        (
            f"{_CLIENTS}openai_api.py::test_a_log_probability_that_is_no_number_leaves_the_reply_and_no_alternatives",
            f"{_CLIENTS}openai_api.py::test_log_probabilities_of_another_form_are_none",
        ),
    ),
    Case(
        46,
        "server echoes the key, escaped",
        "the key is nowhere",
        (
            f"{_CLIENTS}secrets.py::test_a_key_is_found_however_it_is_written",
            f"{_CLIENTS}openai_api.py::test_a_key_echoed_by_the_server_reaches_no_message_and_no_log",
        ),
    ),
    Case(
        47,
        "a key in place of its variable's name",
        "refused, not stored",
        (
            "tests/spec/test_credentials.py::test_keys_do_not",
            "tests/spec/test_credentials.py::test_specifications_refuse_them_and_do_not_repeat_them",
            f"{_CLI}judges.py::test_what_is_wrong_is_said_in_one_message",
        ),
    ),
    Case(55, "parquet with one cell of 1.9 GB", "refused before it is read", ("tests/formats/test_bombs.py",)),
    Case(
        56, "parquet of 1,372 bytes, dictionary of 20 MB", "refused before it is read", ("tests/formats/test_bombs.py",)
    ),
    Case(
        59,
        "deeply nested YAML",
        "one line",
        ("tests/spec/test_study.py::test_yaml_that_cannot_be_read_is_one_clear_error",),
    ),
    Case(
        78,
        "uploads without a login",
        "refused",
        (
            f"{_APP}gate.py::test_without_a_login_only_what_it_takes_to_log_in_is_served",
            f"{_APP}gate.py::test_no_spelling_of_a_path_leads_past_the_gate",
            f"{_APP}gate.py::test_an_upload_that_is_too_long_is_cut_as_it_comes",
            f"{_APP}gate.py::test_an_upload_arrives_and_is_freed_when_its_page_is_gone",
        ),
    ),
    Case(81, "commands to copy", "shell-quoted", (f"{_APP}commands.py::test_every_command_to_copy_is_quoted",)),
    Case(
        82,
        "metrics without a login",
        "closed",
        (
            f"{_APP}gate.py::test_every_route_of_this_streamlit_is_named_or_closed",
            f"{_APP}gate.py::test_without_a_login_only_what_it_takes_to_log_in_is_served",
            f"{_APP}gate.py::test_every_answer_says_what_a_browser_may_do_with_it",
        ),
    ),
    Case(
        83,
        "look-up of the machine's address",
        "nobody is asked",
        (f"{_APP}outside.py::test_streamlit_asks_no_service_for_the_address_of_this_machine",),
    ),
    Case(
        84,
        "think tags that a judge quotes",
        "0 % planted",
        (
            f"{_PLANTED}verdicts_that_outputs_plant_are_not_read",
            f"{_PARSING}thinking.py::test_tags_of_an_output_undo_no_verdict",
        ),
    ),
    Case(
        85,
        "verdicts that a judge mentions",
        "at most 5 % planted",
        (f"{_PLANTED}verdicts_that_outputs_plant_are_not_read",),
    ),
    Case(
        86,
        "verdicts in marked quotations",
        "at most 1 % planted",
        (
            f"{_PLANTED}verdicts_that_outputs_plant_are_not_read",
            f"{_PARSING}quotation.py::test_a_quotation_is_no_verdict",
            f"{_PARSING}quotation.py::test_every_form_obeys_the_same_rule",
        ),
    ),
    Case(
        87,
        "a verdict before the quotation",
        "at least 99 % read",
        (f"{_PLANTED}a_verdict_that_stands_before_the_quotation_is_read",),
    ),
    Case(
        92,
        "honest replies that mention tags",
        "at least 99 % read",
        (
            f"{_PLANTED}honest_verdicts_stay_readable_whatever_outputs_hold",
            f"{_PARSING}thinking.py::test_a_mention_that_opens_the_reply_is_no_thinking",
            f"{_PARSING}thinking.py::test_tags_in_the_strings_of_an_object_are_text",
        ),
    ),
    Case(
        94,
        "verdicts that a judge copies, under verdict-nonce",
        "0 % planted",
        (
            f"{_NONCES}::test_generated_replies_plant_nothing_and_lose_nothing",
            f"{_NONCES}::test_a_verdict_without_the_nonce_is_counted_as_none",
            "tests/engine/test_verdict_nonce.py",
        ),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="half of them on each kind of database; 0: none")
    parser.add_argument("--minutes", type=float, default=10, help="of the long run; 0: none")
    parser.add_argument("--cases", type=int, nargs="*", help="numbers of the cases to try; all unless given")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chosen = chosen_cases(args.cases)
    rows = [*cases(chosen), *kills(args.kills, args.seed), *long_runs(args.minutes, args.seed)]
    print_table(rows)
    raise SystemExit(0 if all(row.passed for row in rows) else 1)


def chosen_cases(numbers: Sequence[int] | None) -> list[Case]:
    """Those with these numbers; all where none is given. Raises ValueError for a number that no case has."""
    if strange := set(numbers or ()) - {case.number for case in CASES}:
        raise ValueError(f"there is no case {', '.join(map(str, sorted(strange)))}")
    return [case for case in CASES if not numbers or case.number in numbers]


def cases(chosen: Sequence[Case]) -> list[Row]:
    tests = sorted({test for case in chosen for test in case.tests})
    outcomes = Outcomes()
    found = [str(ROOT / test) for test in tests if (ROOT / test.partition("::")[0]).exists()]
    if found:
        pytest.main(["-q", "-p", "no:cacheprovider", *found], plugins=[outcomes])
    return [outcomes.row(case) for case in chosen]


def kills(count: int, seed: int) -> Iterator[Row]:
    if count < 2:
        return
    with tempfile.TemporaryDirectory() as folder:
        yield _killed("SQLite", killed(f"{folder}/judgebench.db", count // 2, seed=seed, folder=Path(folder)))
    with tempfile.TemporaryDirectory() as folder, postgres.serving() as server:
        address = postgres.fresh(server)
        yield _killed("PostgreSQL", killed(address, count - count // 2, seed=seed + 1, folder=Path(folder)))


def _killed(kind: str, account: Account) -> Row:
    seen = f"{account.stored} of {account.trials} stored, {account.lost} lost, {account.doubled} doubled, "
    seen += f"{account.wrong} wrong, {account.asked - account.trials} asked again, {len(account.problems)} problems"
    bar = "all stored once; at most 8 asked again a kill"
    return Row(f"{account.kills} SIGKILLs, {kind}", bar, seen, account.passed)


def long_runs(minutes: float, seed: int) -> Iterator[Row]:
    if minutes <= 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        account = long_run.account(Path(folder), minutes, seed=seed)
    seen = f"{account.stored} stored of {account.answered} answered, {account.doubled} doubled, "
    seen += f"{account.early_mb:.0f} -> {account.late_mb:.0f} MB, log {account.log_mb:.0f} MB, rc {account.code}"
    yield Row(f"{minutes:g} min at a server that fails", "all stored once, memory flat", seen, account.passed)


def print_table(rows: Sequence[Row]) -> None:
    lines = [("case", "bar", "seen", "verdict")]
    lines += [(row.case, row.bar, row.seen, "pass" if row.passed else "FAIL") for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    print()
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
