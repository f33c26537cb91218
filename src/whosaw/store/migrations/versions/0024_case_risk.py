"""Decisions on how high the risk of a case is for the people affected; the newest one counts."""

from alembic import op

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    op.execute("""
        create table case_risk (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            high boolean not null,
            why text not null,
            decided_by text not null,
            decided_at timestamptz not null,
            entry bigint not null
        );
        create index case_risk_case on case_risk (case_id, id);
    """)


def downgrade() -> None:
    op.execute("drop table case_risk")
