"""What the HTTP door remembers of requests that carry an idempotency key: hashes, whose it was, the receipt."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        create table door_request (
            key_sha256 bytea primary key check (octet_length(key_sha256) = 32),
            actor bigint not null,
            said bytea not null check (octet_length(said) = 32),
            receipt text,
            at timestamptz not null
        );
        create index door_request_at on door_request (at);
        grant select, insert, update, delete on door_request to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("drop table door_request")
