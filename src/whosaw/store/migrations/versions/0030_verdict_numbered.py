"""Whether everybody whom a verdict says is affected had a number when it was kept: of older ones nobody can say."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("alter table case_verdict add column numbered boolean not null default false;")


def downgrade() -> None:
    op.execute("alter table case_verdict drop column numbered;")
