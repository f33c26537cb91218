"""Which sources were asked what else may explain a sighting: what does not stand here was not checked."""

from alembic import op

revision = "0029"
down_revision = "0027"


def upgrade() -> None:
    op.execute("""
        create table sighting_check (
            sighting_id bigint not null references sighting on delete cascade,
            kind text not null check (kind in ('own_order', 'dump', 'earlier_case')),
            outcome text not null check (outcome in ('found', 'nothing', 'impossible')),
            at timestamptz not null,
            primary key (sighting_id, kind)
        );
    """)


def downgrade() -> None:
    op.execute("drop table sighting_check")
