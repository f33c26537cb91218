"""Measures of a case: what clears a person, hearings, the ledger of withheld money, appeals, corrections, bounces."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("""
        create table case_exculpatory (
            case_id text not null references case_file,
            actor text not null,
            item text not null,
            finding text not null check (finding in ('clears', 'does_not_clear', 'unknown')),
            text text not null,
            by text not null,
            at timestamptz not null,
            entry bigint not null,
            primary key (case_id, actor, item, at)
        );
        create table case_hearing (
            case_id text not null references case_file,
            target text not null,
            heard_at timestamptz not null,
            said text not null,
            by text not null,
            entry bigint not null,
            primary key (case_id, target, heard_at)
        );
        -- every movement of withheld money; the sum of a seller is what is held of it now
        create table funds_movement (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            seller text not null,
            step_id text not null,
            kind text not null check (kind in ('withheld', 'released')),
            amount_cents bigint not null check (amount_cents >= 0),
            at timestamptz not null,
            entry bigint,
            unique (step_id, kind)
        );
        create table case_appeal (
            id bigint generated always as identity primary key,
            step_id text not null references case_step,
            filed_at timestamptz not null,
            text text not null,
            reviewer text,
            outcome text check (outcome in ('upheld', 'undone')),
            why text,
            decided_at timestamptz,
            entry bigint,
            filed_entry bigint not null
        );
        create unique index case_appeal_open on case_appeal (step_id) where outcome is null;
        -- who was shown an accusation, so that he can be told when it fell
        create table case_shown (
            case_id text not null references case_file,
            person text not null,
            actor bigint not null,
            first_at timestamptz not null,
            primary key (case_id, person, actor)
        );
        create table case_correction (
            case_id text not null references case_file,
            person text not null,
            actor bigint not null,
            text text not null,
            made_at timestamptz not null,
            read_at timestamptz,
            primary key (case_id, person, actor, made_at)
        );
        create table notice_bounce (
            message_id text primary key,
            topic text not null,
            recipient_key text not null,
            status text not null,
            at timestamptz not null,
            channel text not null default 'post',
            done_at timestamptz
        );
    """)


def downgrade() -> None:
    op.execute("""
        drop table notice_bounce, case_correction, case_shown, case_appeal, funds_movement, case_hearing,
            case_exculpatory;
    """)
