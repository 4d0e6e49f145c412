"""What audits remark on their own findings stands on the page, once, in the words of the app."""

from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services, store
from judgebench.store.database import Database
from tests.app.test_screens import opened, printed

pytest.importorskip("streamlit", reason="the app needs the extra app")


@pytest.fixture
def audited(tmp_path: Path, demo_database: Path) -> Path:
    """The demo with an audit of each of two submissions, and one of its verdicts that remarks on an option."""
    path = tmp_path / "audited.db"
    path.write_bytes(demo_database.read_bytes())
    with closing(Database(str(path))) as database:
        services.audits.submissions.audit_stored(database, "demo", ["null-constant", "demo-rambling"])
        document = {"audit": "integrity", "passed": True, "findings": [], "notes": ["see --all-judges for the others"]}
        with database.write() as connection:
            place = store.benchmarks.benchmark_id(connection, "demo")
            subject = store.audits.Subject("integrity", place)
            store.audits.add_audit(connection, subject, passed=True, document=document)
    return path


@pytest.mark.slow
def test_a_remark_on_several_submissions_stands_once_and_says_on_how_many(
    audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(opened("audits", monkeypatch, audited)).splitlines()
    remarks = [words for words in lines if words.startswith("Note: ")]
    assert len(remarks) == len(set(remarks))
    assert [words.endswith("(noted of 2)") for words in remarks if "persuasion in other words" in words] == [True]


def test_a_remark_speaks_of_what_the_page_has(audited: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'Note: see "All judges" for the others' in printed(opened("audits", monkeypatch, audited)).splitlines()
