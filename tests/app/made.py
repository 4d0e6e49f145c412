"""Jobs as tests of pages need them."""

from typing import Any

from judgebench.records import JobState
from judgebench.services.jobs import Job


def job(**fields: Any) -> Job:
    """A run of all pairs of the benchmark "bench" by the judge "m", which a worker has."""
    study = {"benchmark": "bench", "judge": {"model": "m"}, "all_pairs": True}
    usual: dict[str, Any] = {
        **{"kind": "run", "benchmark": "bench", "subject": "m", "specification": {"study": study}, "variables": ()},
        **{"work_key": "k", "planned": 400, "answered": 0, "cost_usd": None, "id": 1, "actor": "ann", "after_run": 0},
        **{
            "state": JobState.RUNNING,
            "is_stopping": False,
            "attempts": 1,
            "losses": 0,
            "holder": "host 1",
            "expires_at": "",
        },
        **{"created_at": "2026-01-01T00:00:00+00:00", "started_at": None, "finished_at": None, "report": None},
        "message": "",
    }
    return Job(**usual | fields)
