"""What sources answered over time when they were asked again what else may explain a sighting."""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute("""
        -- one row as long as the answer stays the same: asking daily for years adds a row only where something changed
        create table sighting_check_run (
            id bigint generated always as identity primary key,
            sighting_id bigint not null references sighting on delete cascade,
            kind text not null check (kind in ('own_order', 'dump', 'earlier_case')),
            outcome text not null check (outcome in ('found', 'nothing', 'impossible')),
            first_at timestamptz not null,
            last_at timestamptz not null,
            asked bigint not null default 1
        );
        create index sighting_check_run_sighting on sighting_check_run (sighting_id, kind, id);
        insert into sighting_check_run (sighting_id, kind, outcome, first_at, last_at)
            select sighting_id, kind, outcome, at, at from sighting_check order by at, sighting_id, kind;
    """)


def downgrade() -> None:
    op.execute("drop table sighting_check_run")
