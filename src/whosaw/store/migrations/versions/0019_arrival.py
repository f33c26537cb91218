"""How a complaint came in, terms that the police hold, what a covert inquiry holds back, and cases that were pruned."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("""
        alter table sighting add column language text not null default '';
        -- the checks of the customer's own mail, with every DNS record as it was answered then
        alter table sighting add column arrived jsonb not null default '{}';

        create table case_clock_hold (
            id bigint generated always as identity primary key,
            case_id text not null,
            rule text not null,
            cause text not null,
            authority text not null,
            why text not null,
            from_at timestamptz not null,
            noted_by text not null,
            entry bigint not null,
            lifted_at timestamptz,
            lifted_by text,
            lift_entry bigint,
            foreign key (case_id, rule, cause) references case_clock
        );
        create unique index case_clock_hold_now on case_clock_hold (case_id, rule, cause) where lifted_at is null;

        -- what is not told to whoever asks, while an inquiry is covert; released, never forgotten
        create table covert_hold (
            id bigint generated always as identity primary key,
            case_id text not null references case_file,
            entries bigint[] not null,
            from_staff boolean not null,
            why text not null,
            review_on date not null,
            held_by text not null,
            held_at timestamptz not null,
            entry bigint not null,
            released_by text,
            released_at timestamptz,
            released_why text,
            release_entry bigint
        );
        create table access_answered (
            id bigint generated always as identity primary key,
            reference text not null,
            space text not null check (space in ('subject', 'actor')),
            number bigint not null,
            answered_at timestamptz not null,
            held_entries bigint[] not null,
            held_cases text[] not null,
            entry bigint not null
        );
        create index access_answered_whom on access_answered (space, number);

        create table case_exhibit (
            case_id text not null references case_file,
            seq integer not null,
            name text not null,
            sha256 text not null,
            what text not null,
            by text not null,
            at timestamptz not null,
            entry bigint not null,
            primary key (case_id, seq),
            unique (case_id, sha256)
        );

        alter table case_file add column pruned_at timestamptz;
    """)


def downgrade() -> None:
    op.execute("""
        alter table case_file drop column pruned_at;
        drop table case_exhibit, access_answered, covert_hold, case_clock_hold;
        alter table sighting drop column language, drop column arrived;
    """)
