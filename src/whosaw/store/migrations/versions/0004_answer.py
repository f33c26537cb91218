"""Answer: sightings, cases with their verdicts and steps, and the outbox of letters."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        create sequence case_number;
        create table case_file (
            id text primary key,
            beneficiary text not null,
            state text not null default 'open' check (state in ('open', 'closed')),
            opened_at timestamptz not null,
            opened_by text not null,
            closed_at timestamptz
        );
        create unique index case_file_open on case_file (beneficiary) where state = 'open';

        create table sighting (
            id bigint generated always as identity primary key,
            case_id text references case_file,
            subject bigint not null,
            beneficiary text not null,
            channel text not null,
            contacted_at timestamptz not null,
            contacted_exact boolean not null,
            reported_at timestamptz not null,
            sender_domain text not null,
            verified boolean not null,
            dkim jsonb not null,
            marks text[] not null,
            evidence_key text not null,
            raw_sha256 text not null,
            unique (subject, evidence_key)
        );
        create index sighting_beneficiary on sighting (beneficiary);
        create index sighting_case on sighting (case_id);

        create table case_verdict (
            case_id text not null references case_file,
            seq integer not null,
            at timestamptz not null,
            complaints integer not null,
            verdict jsonb not null,
            primary key (case_id, seq)
        );

        create table case_step (
            id text primary key,
            case_id text not null references case_file,
            seq integer not null,
            kind text not null,
            target text not null,
            identity text not null,
            params jsonb not null,
            reason text not null,
            state text not null check (state in ('planned', 'doing', 'done', 'undoing', 'undone')),
            planned_by text not null,
            planned_at timestamptz not null,
            carried_by text,
            entry bigint,
            outcome jsonb,
            done_at timestamptz,
            undone_by text[],
            undo_reason text,
            undo_entry bigint,
            undone_at timestamptz,
            unique (case_id, seq)
        );
        -- an undone step may be planned again; until then the same work is one step
        create unique index case_step_live on case_step (case_id, identity) where state <> 'undone';

        create table case_approval (
            step_id text not null references case_step,
            person text not null,
            at timestamptz not null,
            primary key (step_id, person)
        );

        create table outbox_mail (
            id bigint generated always as identity primary key,
            topic text not null,
            recipient_key text not null,
            message_id text not null unique,
            state text not null default 'pending'
                check (state in ('pending', 'claimed', 'sending', 'sent', 'sent?', 'failed')),
            claim text,
            attempts integer not null default 0,
            last_error text not null default '',
            recipient text,
            message bytea,
            message_sha256 text not null,
            recipient_salt bytea not null,
            recipient_hash text not null,
            queued_at timestamptz not null,
            sent_at timestamptz,
            unique (topic, recipient_key),
            -- an address and a letter lie here only while there may be something left to send
            check ((state = 'sent') = (recipient is null and message is null))
        );
        create index outbox_mail_open on outbox_mail (id) where state not in ('sent', 'failed');
    """)


def downgrade() -> None:
    op.execute("""
        drop table outbox_mail;
        drop table case_approval;
        drop table case_step;
        drop table case_verdict;
        drop table sighting;
        drop table case_file;
        drop sequence case_number;
    """)
