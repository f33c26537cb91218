"""Passkeys of local accounts and the one-time links to make one; and how often an actor asked, over all processes."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("""
        create table person_passkey (
            id bytea primary key,
            actor text not null,
            handle bytea not null,
            public_key bytea not null,
            signs bigint not null,
            name text not null,
            made_at timestamptz not null,
            used_at timestamptz
        );
        create index person_passkey_actor on person_passkey (actor);

        create table person_enrolment (
            secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
            actor text not null,
            until_at timestamptz not null
        );
        create index person_enrolment_actor on person_enrolment (actor);

        -- nothing is lost with it but a minute's memory of who asked often
        create unlogged table door_pace (
            who bytea primary key check (octet_length(who) = 16),
            counted bigint not null,
            at timestamptz not null
        );
        create index door_pace_at on door_pace (at);
        grant select, insert, update, delete on door_pace to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("drop table door_pace, person_enrolment, person_passkey")
