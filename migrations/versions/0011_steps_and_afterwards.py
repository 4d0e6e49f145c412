"""Where the steps of outputs end, what people say of them, and what happened after an output.

Two columns that may be empty and a table: nothing is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("outputs", sa.Column("steps", sa.Text(), nullable=True))
    op.add_column("outputs", sa.Column("afterwards", sa.Text(), nullable=True))
    op.create_table(
        "marks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("output_id", _ID, nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("rating", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("number >= 0", name=op.f("ck_marks_number")),
        sa.CheckConstraint("start >= 0 AND stop > start", name=op.f("ck_marks_place")),
        sa.CheckConstraint("rating IN ('good', 'neutral', 'bad')", name=op.f("ck_marks_rating")),
        sa.CheckConstraint("rating IS NOT NULL OR kind IS NOT NULL", name=op.f("ck_marks_filled")),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_marks_output_id_outputs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
    )
    op.create_index("uq_marks_output_id_annotator_number", "marks", ["output_id", "annotator", "number"], unique=True)
