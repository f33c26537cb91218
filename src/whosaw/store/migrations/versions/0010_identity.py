"""Who may sign in, and how: staff as provisioned, local passwords, ends of sign-ins, and what was used once."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("""
        create table person (
            id uuid primary key,
            key text not null unique,
            user_name text not null,
            external_id text,
            active boolean not null,
            resource jsonb not null,
            version bigint not null default 1,
            made_at timestamptz not null,
            changed_at timestamptz not null,
            rights_at timestamptz not null
        );
        create unique index person_user_name on person (lower(user_name));
        create index person_external_id on person (external_id);

        create table person_group (
            id uuid primary key,
            name text not null,
            external_id text,
            roles text[] not null,
            version bigint not null default 1,
            made_at timestamptz not null,
            changed_at timestamptz not null
        );
        create index person_group_name on person_group (lower(name));

        create table person_member (
            group_id uuid not null references person_group on delete cascade,
            person_id uuid not null references person on delete cascade,
            primary key (group_id, person_id)
        );
        create index person_member_person on person_member (person_id);

        create table person_subject (
            issuer text not null,
            subject text not null,
            actor text not null,
            seen_at timestamptz not null,
            primary key (issuer, subject)
        );

        create table person_end (
            actor text primary key,
            before_at timestamptz not null
        );

        create table person_password (
            actor text primary key,
            hash text not null,
            made_at timestamptz not null
        );

        create table scim_credential (
            id text primary key,
            name text not null,
            secret_sha256 bytea not null,
            made_at timestamptz not null,
            revoked_at timestamptz
        );

        create table identity_attempt (
            scope text not null,
            who bytea not null,
            failures integer not null,
            last_at timestamptz not null,
            open_at timestamptz not null,
            primary key (scope, who)
        );
        create index identity_attempt_last on identity_attempt (last_at);

        create table identity_once (
            issuer text not null,
            jti_sha256 bytea not null,
            until_at timestamptz not null,
            primary key (issuer, jti_sha256)
        );
        create index identity_once_until on identity_once (until_at);

        create table identity_login (
            state_sha256 bytea primary key,
            browser_sha256 bytea not null,
            nonce text not null,
            verifier text not null,
            until_at timestamptz not null
        );
        create index identity_login_until on identity_login (until_at);

        grant select on person, person_group, person_member, person_end, person_password to whosaw_door;
        grant select, insert, update on person_subject to whosaw_door;
        grant select, insert, update, delete on identity_attempt, identity_once, identity_login to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("""
        drop table identity_login, identity_once, identity_attempt, scim_credential, person_password, person_end,
            person_subject, person_member, person_group, person;
    """)
