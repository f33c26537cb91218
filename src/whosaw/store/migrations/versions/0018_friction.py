"""What the gate noticed while people asked, and held them up for. People are numbers; the sign stands here alone."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("""
        create table gate_friction (
            id bigint generated always as identity primary key,
            actor bigint not null,
            sign text not null check (sign in ('canary', 'burst', 'enumeration', 'places')),
            step text not null check (step in ('reason', 'second_person', 'stop')),
            enforced boolean not null,
            begun_at timestamptz not null,
            until_at timestamptz not null,
            entry bigint not null,
            nonce text not null,
            suspended_at timestamptz,
            released_at timestamptz,
            released_by text,
            note text
        );
        create index gate_friction_until on gate_friction (until_at);
        grant select, insert on gate_friction to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("drop table gate_friction;")
