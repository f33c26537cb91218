"""The company that both servers read: customers, staff and tickets, and its catalog."""

from __future__ import annotations

ACTORS, CUSTOMERS = 200, 60_000

COMPANY = f"""
create table customers (id text primary key, name text, email text, region text);
create table staff (id text primary key, roles text, region text, ended timestamptz);
create table tickets (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz);
insert into customers
select 'C-' || i, 'Name ' || i, 'c' || i || '@mail.example', 'EU' from generate_series(1, {CUSTOMERS}) i;
insert into staff select 'E-' || i, 'support', 'EU', null from generate_series(1, {ACTORS}) i;
insert into tickets
select 'T-' || i, 'E-' || (i % {ACTORS} + 1), 'C-' || i, 'customer:C-' || i, now() - interval '1 day'
from generate_series(1, {CUSTOMERS}) i;
"""

CATALOG = """
[company]
name = "Bench"
contact = "privacy@bench.example"
[sources.company]
url = "{url}"
[subjects.customer]
source = "company"
table = "customers"
key = "id"
region = "region"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[purposes.ticket]
source = "company"
subject = "customer"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at,
    null::timestamptz as closed_at from tickets'''
[actors]
source = "company"
query = "select id as key, roles, region, ended from staff"
"""
