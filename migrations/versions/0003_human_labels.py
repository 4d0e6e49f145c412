"""What people say about battles."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "human_labels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("instruction_id", sa.Integer(), nullable=False),
        sa.Column("output_a_id", sa.Integer(), nullable=False),
        sa.Column("output_b_id", sa.Integer(), nullable=False),
        sa.Column("order", sa.String(length=2), nullable=True),
        sa.Column("preference", sa.Float(precision=53), nullable=False),
        sa.Column("both_bad", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("output_a_id <> output_b_id", name=op.f("ck_human_labels_sides")),
        sa.CheckConstraint("\"order\" IN ('AB', 'BA')", name=op.f("ck_human_labels_order")),
        sa.CheckConstraint("preference >= 0 AND preference <= 1", name=op.f("ck_human_labels_preference")),
        sa.CheckConstraint("NOT both_bad OR preference = 0.5", name=op.f("ck_human_labels_both_bad")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instructions.id"], name=op.f("fk_human_labels_instruction_id_instructions")
        ),
        sa.ForeignKeyConstraint(["output_a_id"], ["outputs.id"], name=op.f("fk_human_labels_output_a_id_outputs")),
        sa.ForeignKeyConstraint(["output_b_id"], ["outputs.id"], name=op.f("fk_human_labels_output_b_id_outputs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_human_labels")),
        sa.UniqueConstraint(
            "annotator", "output_a_id", "output_b_id", name=op.f("uq_human_labels_annotator_output_a_id_output_b_id")
        ),
    )
    op.create_index(op.f("ix_human_labels_instruction_id"), "human_labels", ["instruction_id"])
