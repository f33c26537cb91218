"""The case as people work on it: states, who knew what when, people, clocks, entities, alternatives, approaches."""

from alembic import op

revision = "0014"
down_revision = "0013"

_STATES = "'suspected', 'investigating', 'contained', 'notified', 'closed'"


def upgrade() -> None:
    op.execute(f"""
        drop index case_file_open;
        alter table case_file drop constraint case_file_state_check;
        update case_file set state = 'suspected' where state = 'open';
        alter table case_file alter column state set default 'suspected';
        alter table case_file add constraint case_file_state_check check (state in ({_STATES}));
        create unique index case_file_open on case_file (beneficiary) where state <> 'closed';

        create table case_move (
            case_id text not null references case_file,
            seq integer not null,
            at timestamptz not null,
            from_state text not null,
            to_state text not null,
            by text not null,
            reason text not null,
            entry bigint not null,
            primary key (case_id, seq)
        );
        -- appended to and never altered: what was believed at the time is itself evidence
        create table case_knowledge (
            case_id text not null references case_file,
            seq integer not null,
            kind text not null check (kind in ('learned', 'aware', 'not_aware')),
            known_at timestamptz not null,
            person text not null,
            what text not null,
            noted_at timestamptz not null,
            noted_by text not null,
            entry bigint not null,
            primary key (case_id, seq)
        );
        create table case_person (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            person text not null,
            function text not null,
            named_by text not null,
            named_at timestamptz not null,
            entry bigint not null,
            ended_at timestamptz,
            ended_why text
        );
        create unique index case_person_now on case_person (case_id, person) where ended_at is null;
        create table case_clock (
            case_id text not null references case_file,
            rule text not null,
            law_from date not null,
            cause text not null,
            started_at timestamptz not null,
            due_at timestamptz not null,
            zone text not null,
            started_by text not null,
            entry bigint not null,
            met_at timestamptz,
            met_by text,
            met_note text,
            met_entry bigint,
            primary key (case_id, rule, cause)
        );
        create table case_unmasking (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            actor bigint not null,
            reason text not null,
            asked_by text not null,
            asked_at timestamptz not null,
            ask_entry bigint not null,
            approved_by text,
            approved_at timestamptz,
            entry bigint,
            expires_at timestamptz
        );
        create table case_entity (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            kind text not null check (kind in ('account', 'payout', 'domain', 'handle', 'phone', 'seller', 'broker',
                'actor')),
            value text not null,
            unique (case_id, kind, value)
        );
        create table case_source (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            one bigint not null references case_entity,
            other bigint references case_entity,
            source_kind text not null,
            source text not null,
            confidence double precision not null check (confidence > 0 and confidence <= 1),
            at timestamptz not null,
            by text not null,
            entry bigint not null,
            unique nulls not distinct (one, other, source_kind, source)
        );

        alter table sighting add column form text not null default 'mail' check (form in ('mail', 'row', 'canary'));
        create table sighting_alternative (
            sighting_id bigint not null references sighting,
            kind text not null check (kind in ('own_order', 'dump', 'earlier_case', 'other')),
            source text not null,
            probability double precision not null check (probability > 0 and probability < 1),
            at timestamptz not null,
            by text not null,
            primary key (sighting_id, kind, source)
        );

        -- no column leads to who reported: nothing here can enter a join
        create table approach (
            id bigint generated always as identity primary key,
            code_sha256 text not null unique,
            at timestamptz not null,
            channel text not null,
            handle text not null,
            offer text not null,
            payout text not null,
            screenshot_sha256 text,
            entry bigint not null,
            state text not null default 'new' check (state in ('new', 'taken', 'done')),
            case_id text references case_file
        );
        create table approach_message (
            approach_id bigint not null references approach,
            seq integer not null,
            at timestamptz not null,
            from_desk boolean not null,
            text text not null,
            primary key (approach_id, seq)
        );
    """)


def downgrade() -> None:
    op.execute("""
        drop table approach_message, approach, sighting_alternative, case_source, case_entity, case_unmasking,
            case_clock, case_person, case_knowledge, case_move;
        alter table sighting drop column form;
        drop index case_file_open;
        alter table case_file drop constraint case_file_state_check;
        update case_file set state = 'open' where state <> 'closed';
        alter table case_file alter column state set default 'open';
        alter table case_file add constraint case_file_state_check check (state in ('open', 'closed'));
        create unique index case_file_open on case_file (beneficiary) where state = 'open';
    """)
