"""An index that holds all that battles are listed by, in the place of one that it begins with."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_index(op.f("ix_verdicts_instruction_id_judge_id"), "verdicts")
    op.create_index(
        "ix_verdicts_battle", "verdicts", ["instruction_id", "output_a_id", "output_b_id", "judge_id", "preference"]
    )
