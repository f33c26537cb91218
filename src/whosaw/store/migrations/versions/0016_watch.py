"""Watch: daily runs, flags with their evidence, reviewers' verdicts, prompts to employees. People stand by number."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("""
        create table watch_run (
            day date primary key,
            at timestamptz not null,
            entry bigint not null,
            accesses bigint not null,
            people bigint not null,
            settings text not null,
            -- what the run was told and what it measured: settings, templates, roles by number, health, rates by group
            told jsonb not null
        );
        create table watch_flag (
            id text primary key,
            day date not null references watch_run,
            actor bigint not null,
            tier text not null check (tier in ('review', 'case', 'escalate')),
            beneficiary text,
            seal text not null,
            entry bigint not null,
            told jsonb not null
        );
        create index watch_flag_actor on watch_flag (actor, day);
        create table watch_verdict (
            id bigint generated always as identity primary key,
            flag text not null references watch_flag,
            outcome text not null check (outcome in ('cleared', 'explained', 'confirmed')),
            record text not null default '',
            note text not null,
            by text not null,
            at timestamptz not null,
            entry bigint not null,
            unique (flag, by)
        );
        create table watch_prompt (
            id bigint generated always as identity primary key,
            actor bigint not null,
            subject bigint not null,
            looked_us bigint not null,
            asked_at timestamptz not null,
            due_at timestamptz not null,
            entry bigint not null,
            answer text,
            answered_at timestamptz,
            answer_entry bigint,
            unique (actor, subject, looked_us)
        );
        create index watch_prompt_actor on watch_prompt (actor, asked_at);
    """)


def downgrade() -> None:
    op.execute("drop table watch_prompt, watch_verdict, watch_flag, watch_run;")
