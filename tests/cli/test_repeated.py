"""Options that take one value, given twice, of every command."""

import pytest

from judgebench.cli.main import COMMANDS, command
from judgebench.cli.repeated import check_once
from judgebench.errors import InputError
from tests.cli.conftest import Invoke
from tests.cli.test_kinds import leaves


def test_every_option_of_every_command_that_takes_one_value_is_refused_twice() -> None:
    tried = 0
    for name in COMMANDS:
        group = command(name)
        for path, leaf in leaves(group, ()):
            for option in leaf.params:
                if option.param_type_name != "option" or option.is_flag or option.count:
                    continue
                words = [*path, option.opts[0], "1", option.opts[0], "2"]
                if option.multiple:
                    check_once(group, words)
                else:
                    with pytest.raises(InputError, match=f"{option.opts[0]} is given 2 times: it takes one value"):
                        check_once(group, words)
                tried += 1
    assert tried > 200


def test_the_last_baseline_does_not_win(judged: Invoke) -> None:
    board = ("leaderboard", "--benchmark", "bench")
    once = judged(*board, "--baseline", "alpha")
    twice = judged(*board, "--baseline", "alpha", "--format", "json", "--baseline", "beta")
    assert (once.code, twice.code, twice.out) == (0, 2, "")
    assert twice.err.strip() == "judgebench: --baseline is given 2 times: it takes one value"
    assert judged("--db", "a.db", "--db", "b.db", "benchmarks").code == 2
    assert judged("audit", "integrity", "--benchmark", "bench", "--benchmark", "bench").code == 2
    assert judged(*board, "--judge", "scripted:coin", "--judge", "scripted:always-first").code == 0
