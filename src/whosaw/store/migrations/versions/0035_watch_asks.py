"""How many people's records a question of watch is about: an export is asked about whole."""

from alembic import op

revision = "0035"
down_revision = "0033"


def upgrade() -> None:
    op.execute("alter table watch_prompt add column shown integer not null default 1;")


def downgrade() -> None:
    op.execute("alter table watch_prompt drop column shown;")
