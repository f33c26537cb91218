"""How long an unmasking is asked for: whoever approves it approves that, and no more."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("alter table case_unmasking add column days integer not null default 7 check (days between 1 and 30)")


def downgrade() -> None:
    op.execute("alter table case_unmasking drop column days")
