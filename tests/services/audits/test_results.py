"""What audits found is read back as it was, and told to whoever asks by the number of a job."""

import pytest

from judgebench import services
from judgebench.audits.findings import read_reports
from judgebench.errors import InputError
from judgebench.services.audits import registry
from judgebench.services.audits import results as kept
from judgebench.services.audits.estimates import estimate
from judgebench.services.judges import find_judge
from judgebench.show import results
from judgebench.store.database import Database
from tests.filling import asked as questions
from tests.filling import judged, stored

SETTINGS = [
    ("submissions", {}),
    ("submissions", {"model": ("m1",)}),
    ("integrity", {}),
    ("null-models", {"judge": "scripted:always-first", "limit": 10}),
    ("robustness", {"judge": "scripted:coin", "model": "m1", "opponent": "m2", "limit": 5}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more"), SETTINGS)
def test_a_report_read_back_is_printed_as_it_was(database: Database, name: str, more: dict[str, object]) -> None:
    stored(database, questions(10), ("m1", "m2", "m3"))
    given = dict(more)
    if "judge" in given:
        given["judge"] = find_judge(database, {"model": given["judge"]}, where="here")
    settings = registry.named(name).fill({"benchmark": "bench", **given})
    report = registry.audit(database, name, settings, environment={})
    documents = [one.document for one in kept.audits(database, "bench", kind=name)]
    again = read_reports(documents)
    assert again.document() == report.document()
    assert results.audit(again, "table") == results.audit(report, "table")
    assert name == "integrity" or report.findings or report.details


def test_only_an_audit_that_has_ended_has_a_report(database: Database) -> None:
    judged(database)
    settings = {"benchmark": "bench"}
    filled = registry.named("submissions").fill(settings)
    job = services.jobs.queue_audit(database, "submissions", settings, estimate(database, filled))
    with pytest.raises(InputError, match="wait for its end"):
        kept.of_job(database, job)
    with pytest.raises(InputError, match="without a report"):
        kept.of_job(database, services.jobs.stop(database, job.id))
