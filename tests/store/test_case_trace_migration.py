"""What older verdicts were computed from names customers by number after the upgrade, and nobody else."""

from hashlib import sha256

import psycopg

from whosaw.store.migrate import downgrade, upgrade

DUTIES = """actor,what,of,subject,since,until
E-5,hand-over,vendor B,customer:C-1,2026-01-01,
E-5,hand-over,vendor B,customer:C-8,2026-01-02,
E-5,hand-over,vendor B,customer:C-9,2026-01-03,
"""
NUMBERED = """actor,what,of,subject,since,until
E-5,hand-over,vendor B,#7,2026-01-01,
E-5,hand-over,vendor B,#0,2026-01-02,
"""
SIGHTINGS = 'subject,channel\ncustomer:C-1,mail\n#3,"a, b"\n'


def test_keys_become_numbers_and_the_same_content_is_kept_once(database_url: str) -> None:
    downgrade(database_url, "0036")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into number_map (space, number, key) values ('subject', 7, 'customer:C-1')")
        connection.execute("insert into case_file values ('CASE-1', 'seller:S-1', 'investigating', now(), 'P-1')")
        for seq in (1, 2):
            connection.execute("insert into case_verdict values ('CASE-1', %s, now(), 1, '{}')", [seq])
            for name, content in (
                ("duties.csv", DUTIES),
                ("sightings.csv", SIGHTINGS),
                ("accounts.csv", "actor\nE-5\n"),
            ):
                connection.execute("insert into case_trace_input values ('CASE-1', %s, %s, %s)", [seq, name, content])
    upgrade(database_url)
    kept = "select seq, name, sha256, content from case_trace_input join case_trace_content using (case_id, sha256)"
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = {(seq, name): (digest, content) for seq, name, digest, content in connection.execute(kept)}
        assert connection.execute("select count(*) from case_trace_content").fetchone() == (3,)
    assert len(found) == 6 and all(sha256(text.encode()).hexdigest() == digest for digest, text in found.values())
    assert found[2, "duties.csv"][1] == NUMBERED
    assert found[1, "sightings.csv"][1] == 'subject,channel\n#7,mail\n#3,"a, b"\n'
    assert found[1, "accounts.csv"][1] == "actor\nE-5\n"
    downgrade(database_url, "0036")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select content from case_trace_input where name = 'duties.csv'").fetchall()
    assert rows == [(NUMBERED,), (NUMBERED,)]
