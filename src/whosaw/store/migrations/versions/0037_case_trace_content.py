"""What went into verdicts of a case, each content once, with numbers of customers in place of their keys."""

import csv
import io
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute("""
        create table case_trace_content (
            case_id text not null references case_file on delete cascade,
            sha256 text not null,
            content text not null,
            primary key (case_id, sha256)
        );
        alter table case_trace_input add column sha256 text;
        alter table case_trace add column again_at timestamptz; -- not before it, after what somebody has to mend
    """)
    _number()
    op.execute("""
        alter table case_trace_input
            drop column content,
            alter column sha256 set not null,
            add foreign key (case_id, sha256) references case_trace_content on delete cascade;
    """)


def downgrade() -> None:
    op.execute("""
        alter table case_trace_input add column content text;
        update case_trace_input i set content = c.content from case_trace_content c
            where c.case_id = i.case_id and c.sha256 = i.sha256;
        alter table case_trace_input drop column sha256, alter column content set not null;
        drop table case_trace_content;
        alter table case_trace drop column again_at;
    """)


def _number() -> None:
    """Put the numbers of customers into what is kept; of whoever has none, nothing stays but that there was a duty."""
    bind = op.get_bind()
    places = bind.execute(sa.text("select case_id, seq, name from case_trace_input")).all()
    for case, seq, name in places:
        place = {"case": case, "seq": seq, "name": name}
        where = " where case_id = :case and seq = :seq and name = :name"
        content = bind.execute(sa.text("select content from case_trace_input" + where), place).scalar_one()
        rows = list(csv.DictReader(io.StringIO(content)))
        header = next(csv.reader(io.StringIO(content)), [])
        if "subject" in header:
            keys = sorted({row["subject"] for row in rows})
            sought = sa.text("select key, number from number_map where space = 'subject' and key = any(:keys)")
            numbers = {key: f"#{number}" for key, number in bind.execute(sought, {"keys": keys})}
            content = _written(header, rows, numbers, every=name != "duties.csv")
        given = place | {"sha": sha256(content.encode()).hexdigest(), "content": content}
        bind.execute(
            sa.text("insert into case_trace_content values (:case, :sha, :content) on conflict do nothing"), given
        )
        bind.execute(sa.text("update case_trace_input set sha256 = :sha" + where), given)


def _written(header: list[str], rows: list[dict[str, str]], numbers: dict[str, str], *, every: bool) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, header, lineterminator="\n")
    lines.writeheader()
    told = set()
    for row in rows:
        cell = row["subject"]
        row["subject"] = cell if not cell or cell.startswith("#") else numbers.get(cell, "#0")
        duty = tuple(row.get(column) for column in ("actor", "what", "of"))
        if every or row["subject"] != "#0" or duty not in told:
            lines.writerow(row)
        if row["subject"] == "#0":
            told.add(duty)
    return text.getvalue()
