"""Who may come in, and who is stopped at every door."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        create table gate_token (
            id text primary key,
            actor text not null,
            secret_sha256 bytea not null,
            made_at timestamptz not null,
            revoked_at timestamptz
        );
        create index gate_token_actor on gate_token (actor);

        create table gate_suspension (
            actor text primary key,
            since timestamptz not null,
            reason text not null,
            ordered_by text not null
        );

        grant select on gate_token, gate_suspension, number_map to whosaw_door;
        grant execute on function assign_numbers(text, text[]) to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("""
        revoke execute on function assign_numbers(text, text[]) from whosaw_door;
        revoke select on number_map from whosaw_door;
        drop table gate_suspension;
        drop table gate_token;
    """)
