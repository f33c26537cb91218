"""What went into a verdict of a case, so that it can be computed again; and which cases wait for a new one."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("""
        create table case_trace_input (
            case_id text not null,
            seq integer not null,
            name text not null,
            content text not null,
            primary key (case_id, seq, name),
            foreign key (case_id, seq) references case_verdict on delete cascade
        );
        -- evidence and weighed are digests of what stands in the case, and of what the newest verdict was computed from
        create table case_trace (
            case_id text primary key references case_file on delete cascade,
            evidence text not null,
            changed_at timestamptz not null,
            waiting_since timestamptz,
            weighed text not null,
            tried_at timestamptz
        );
    """)


def downgrade() -> None:
    op.execute("drop table case_trace; drop table case_trace_input;")
