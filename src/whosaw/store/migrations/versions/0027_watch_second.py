"""Decisions that somebody decides a second time, without being told what was decided first, or by whom."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("""
        create table watch_second (
            id bigint generated always as identity primary key,
            -- the entry of the first decision
            of_entry bigint not null unique,
            kind text not null,
            object text not null,
            beneficiary text not null default '',
            first_actor bigint not null,
            first_favours boolean not null,
            decided_us bigint not null,
            second_actor bigint not null,
            asked_at timestamptz not null,
            due_at timestamptz not null,
            entry bigint not null,
            favours boolean,
            because text,
            answered_at timestamptz,
            answer_entry bigint
        );
        create index watch_second_actor on watch_second (second_actor, id);
    """)


def downgrade() -> None:
    op.execute("drop table watch_second;")
