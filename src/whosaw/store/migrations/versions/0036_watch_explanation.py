"""What explains looks afterwards that nobody recorded, such as a recall: one reviewer declares it, another agrees."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute("""
        create table watch_explanation (
            id bigint generated always as identity primary key,
            flag text not null references watch_flag,
            -- looks at customers of whom, from when until when: of everybody, and of nobody in particular
            beneficiary text not null,
            since_us bigint not null,
            until_us bigint not null check (since_us < until_us),
            because text not null,
            declared_by text not null,
            declared_at timestamptz not null,
            entry bigint not null,
            agreed_by text check (agreed_by <> declared_by),
            agreed_at timestamptz,
            agreed_entry bigint,
            withdrawn_by text,
            withdrawn_at timestamptz,
            withdrawn_entry bigint
        );
        create index watch_explanation_beneficiary on watch_explanation (beneficiary);
    """)


def downgrade() -> None:
    op.execute("drop table watch_explanation;")
