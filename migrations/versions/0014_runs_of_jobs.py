"""Of which job a run is, so that runs of one judge at the same time are told apart.

A column; runs of jobs before are marked by what told then: the judge, the benchmark and when they began.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_MARK = """
UPDATE runs SET job_id = (
    SELECT max(jobs.id) FROM jobs JOIN judges ON judges.name = jobs.subject
    WHERE jobs.kind = 'run' AND judges.id = runs.judge_id AND jobs.benchmark_id = runs.benchmark_id
    AND runs.id > jobs.after_run AND (jobs.finished_at IS NULL OR runs.started_at <= jobs.finished_at)
) WHERE kind = 'run' AND EXISTS (SELECT 1 FROM jobs)
"""


def upgrade() -> None:
    op.add_column("runs", sa.Column("job_id", sa.BigInteger()))
    op.execute(_MARK)
