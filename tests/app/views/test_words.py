"""What pages say in place of options of the command line."""

import re
from pathlib import Path

import pytest

from judgebench import store
from judgebench.audits import NULL_MODELS
from judgebench.store.audits import Subject, add_audit
from judgebench.store.database import Database
from tests.app.test_screens import opened, printed

words = pytest.importorskip("app.views.words", reason="the app needs the extra app")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the model that wins most; --baseline names another", 'the model that wins most; "Baseline" names another'),
        ("only 3 votes: leaderboard --by people ranks by them", 'only 3 votes: "People\'s votes" ranks by them'),
        ("choose --method elo", 'choose "Method" elo'),
        ("leave --interval out", "leave --interval out"),  # nothing chooses it here
        (
            "ask: judgebench run --judge j --baseline b; --baseline",
            'ask: judgebench run --judge j --baseline b; "Baseline"',
        ),
        ("`judgebench audit --judge x` and --judge", '`judgebench audit --judge x` and "Judges"'),
        ("a---judge and m--baseline-two", "a---judge and m--baseline-two"),
    ],
)
def test_options_become_the_labels_of_what_chooses_the_same(text: str, shown: str) -> None:
    assert words.of_app(text) == shown


def test_labels_are_those_of_the_glossary_or_of_what_is_chosen() -> None:
    from judgebench.show.glossary import explained

    chosen = {"All judges", "Common instructions only", "Flagged models too", "People's votes"}
    assert [label for label in words._WIDGETS.values() if label not in chosen and not explained(label)] == []


def test_what_an_audit_noted_for_the_terminal_is_read_in_the_words_of_the_page(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "noted.db"
    path.write_bytes(demo_database.read_bytes())
    database = Database(str(path))
    document = {"findings": [], "failures": [], "notes": ["the first; --baseline names another"], "entrants": []}
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, "demo")
        digest = store.judges.judge(connection, "scripted:coin").digest
        add_audit(connection, Subject(NULL_MODELS, benchmark_id, digest), passed=True, document=document)
    database.close()
    said = printed(opened("audits", monkeypatch, path))
    assert 'the first; "Baseline" names another' in said
    assert not re.search(r"--baseline names", said)
