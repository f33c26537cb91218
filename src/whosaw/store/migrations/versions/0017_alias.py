"""Aliases of disclosures, how answers find back, what arrived from strangers; and persons who do not exist.

An address stands here as its hash, and an answer's way back sealed under the address it belongs to: nobody who reads
these tables can write to anybody. People are numbers, as in the trail.
"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("""
        create table mail_alias (
            address_sha256 bytea primary key check (length(address_sha256) = 32),
            entry bigint not null,
            field text not null,
            actor bigint not null,
            subject bigint not null,
            party text not null,
            made_at timestamptz not null,
            expires_at timestamptz not null,
            ended_at timestamptz
        );
        create index mail_alias_entry on mail_alias (entry);
        create index mail_alias_subject on mail_alias (subject);

        create table mail_reverse (
            address_sha256 bytea primary key check (length(address_sha256) = 32),
            alias_sha256 bytea not null references mail_alias on delete cascade,
            sealed bytea not null,
            made_at timestamptz not null
        );
        create index mail_reverse_alias on mail_reverse (alias_sha256);

        create table mail_hit (
            id bigint generated always as identity primary key,
            kind text not null check (kind in ('alias', 'canary')),
            entry bigint,
            subject bigint not null,
            sighting_id bigint references sighting,
            raw_sha256 text not null,
            sender_domain text not null,
            dkim text not null,
            at timestamptz not null,
            note bigint,
            unique (raw_sha256, subject)
        );

        create table canary (
            subject bigint primary key,
            address_sha256 bytea unique check (length(address_sha256) = 32),
            place text not null,
            added_by text not null,
            added_at timestamptz not null,
            retired_at timestamptz
        );

        alter table sighting drop constraint sighting_form_check;
        alter table sighting add constraint sighting_form_check check (form in ('mail', 'row', 'canary', 'alias'));

        grant insert on mail_alias to whosaw_door;
        grant select on canary to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("""
        alter table sighting drop constraint sighting_form_check;
        update sighting set form = 'mail' where form = 'alias';
        alter table sighting add constraint sighting_form_check check (form in ('mail', 'row', 'canary'));
        drop table canary, mail_hit, mail_reverse, mail_alias;
    """)
