"""Requests for erasure with their term, which fields a hold needs, and whether its end was told to whom it is about."""

from alembic import op

revision = "0022"
down_revision = "0020"


def upgrade() -> None:
    op.execute("""
        -- fields of the company's own tables that the ground needs; empty means all of them
        alter table legal_hold add column fields text[] not null default '{}';
        alter table legal_hold add column told_at timestamptz;

        create table erasure_request (
            reference text primary key,
            subject bigint not null,
            asked_at timestamptz not null,
            due_at timestamptz not null,
            had text[] not null,
            held boolean not null default false,
            entry bigint not null
        );
    """)


def downgrade() -> None:
    op.execute("""
        drop table erasure_request;
        alter table legal_hold drop column told_at, drop column fields;
    """)
