"""The tables of the company's own database, as its developers would have made them; nothing of whosaw is in them.

Keys and foreign keys are added after the rows are in, which is several times faster than checking row by row.
"""

from __future__ import annotations

READER = "shop_reader"
CONNECTOR = "shop_connector"

TABLES = {
    "customers": """
        id text not null, name text not null, email text not null, phone text not null, address text not null,
        region text not null""",
    "sellers": """
        id text not null, name text not null, mail_domain text not null, region text not null,
        balance_cents bigint not null""",
    "staff": """
        id text not null, name text not null, role text not null, queue text not null, region text not null,
        shift text not null, employer text not null""",
    "orders": """
        id text not null, customer_id text not null, seller_id text not null, at timestamptz not null,
        amount_cents bigint not null""",
    "reviews": """
        id text not null, order_id text not null, customer_id text not null, seller_id text not null,
        stars smallint not null, body text not null, at timestamptz not null, helpful integer not null,
        deleted_at timestamptz, deleted_by text""",
    "tickets": """
        id text not null, customer_id text not null, seller_id text, opened_by text not null, assignee text not null,
        queue text not null, topic text not null, opened_at timestamptz not null, closed_at timestamptz""",
    "ticket_assignments": """
        ticket_id text not null, assignee text not null, assigned_at timestamptz not null, released_at timestamptz""",
    "moderation_items": """
        id text not null, review_id text not null, assigned_to text not null, opened_by text not null,
        opened_at timestamptz not null, done_at timestamptz""",
    "seller_measures": """
        id bigint generated always as identity, seller_id text not null, measure text not null,
        statement jsonb, amount_cents bigint, case_reference text not null, since timestamptz not null,
        lifted_at timestamptz, check (measure in ('suspended', 'funds_withheld', 'warned', 'terminated'))""",
    "review_notes": """
        review_id text not null, text text not null, case_reference text not null, at timestamptz not null""",
    "measure_answers": """
        id text not null, answer jsonb not null, at timestamptz not null""",
}

KEYS = (
    "alter table customers add primary key (id), add unique (email)",
    "alter table sellers add primary key (id)",
    "alter table staff add primary key (id)",
    "alter table orders add primary key (id)",
    "alter table reviews add primary key (id)",
    "alter table tickets add primary key (id)",
    "alter table ticket_assignments add primary key (ticket_id, assigned_at)",
    "alter table moderation_items add primary key (id)",
    "alter table seller_measures add primary key (id)",
    "alter table review_notes add primary key (review_id, case_reference)",
    "alter table measure_answers add primary key (id)",
    "create index on customers (phone)",
    "create index on orders (seller_id, at)",
    "create index on orders (customer_id)",
    "create index on reviews (seller_id, at)",
    "create index on reviews (customer_id)",
    "create index on tickets (customer_id, opened_at)",
    "create index on tickets (assignee)",
    "create index on moderation_items (review_id)",
    # a measure is in force once: what a repeated order to suspend runs into
    "create unique index seller_measures_in_force on seller_measures (seller_id, measure) where lifted_at is null",
    "alter table orders add foreign key (customer_id) references customers, "
    "add foreign key (seller_id) references sellers",
    "alter table reviews add foreign key (order_id) references orders",
    "alter table tickets add foreign key (customer_id) references customers, "
    "add foreign key (assignee) references staff",
    "alter table ticket_assignments add foreign key (ticket_id) references tickets",
    "alter table moderation_items add foreign key (review_id) references reviews, "
    "add foreign key (assigned_to) references staff",
    "alter table seller_measures add foreign key (seller_id) references sellers",
    "alter table review_notes add foreign key (review_id) references reviews",
)

GRANTS = (
    f"grant usage on schema public to {READER}, {CONNECTOR}",
    f"grant select on {', '.join(TABLES)} to {READER}",
    f"grant select on sellers, reviews, seller_measures, review_notes, measure_answers to {CONNECTOR}",
    f"grant update (deleted_at, deleted_by) on reviews to {CONNECTOR}",
    f"grant update (balance_cents) on sellers to {CONNECTOR}",
    f"grant insert on seller_measures, review_notes, measure_answers to {CONNECTOR}",
    f"grant update (lifted_at) on seller_measures to {CONNECTOR}",
)
