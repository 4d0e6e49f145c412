"""How often the worker of a job ended while it had it, apart from how often the job's own process did.

A column: nothing is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("losses", sa.Integer(), server_default="0", nullable=False))
