"""What lies in a job's folder: who may read it, and who is told what its process said."""

import json
import stat
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app import auth, jobs
from app.views.progress import told
from judgebench.services.audits.estimates import AuditEstimate
from judgebench.services.audits.registry import AUDITS

NOBODY_ASKED = AuditEstimate(None, 0, 0, None, None, 0.0)
SECRET = "http://10.0.0.7:8000/v1 replied 500"


@pytest.fixture
def job(tmp_path: Path) -> jobs.AuditJob:
    return jobs.create_audit(str(tmp_path / "some.db"), AUDITS["integrity"], {"benchmark": "bench"}, NOBODY_ASKED)


def test_nobody_else_on_the_machine_reads_what_is_written(job: jobs.AuditJob) -> None:
    jobs.start(str(job.folder.parent.parent / "some.db"), job, {"PATH": "/nowhere"})
    for folder in (job.folder, job.folder.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in job.folder.iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("failures", [{}, {"failures": []}, {"failures": "x"}])
def test_a_report_without_failures_has_no_message(job: jobs.AuditJob, failures: dict[str, object]) -> None:
    (job.folder / "report.json").write_text(json.dumps({"finished": False, **failures}))
    assert jobs.message(job) == ""


def test_what_a_process_said_is_told_to_admins_alone(monkeypatch: pytest.MonkeyPatch, job: jobs.AuditJob) -> None:
    (job.folder / "messages.txt").write_text(f"judgebench: {SECRET}\n")
    for role in auth.Role:
        monkeypatch.setattr(auth, "person", lambda role=role: auth.Person("somebody", role))
        shown = told(job)
        assert (shown == SECRET) is (role is auth.Role.ADMIN)
        assert role is auth.Role.ADMIN or shown == "It ended with an error, which admins can read."


def test_pages_read_messages_through_the_one_function_that_looks_at_the_role() -> None:
    app = Path(jobs.__file__).parent
    assert [file.name for file in app.rglob("*.py") if "jobs.message(" in file.read_text()] == ["progress.py"]
