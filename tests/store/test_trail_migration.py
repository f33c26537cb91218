"""The trail's migration goes up and down."""

import psycopg

from whosaw.store.migrate import downgrade, upgrade


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select relname from pg_class where relname like 'trail\\_%' and relkind = 'r'"
        ).fetchall()
    return {name for (name,) in rows}


def test_the_trail_can_be_taken_down_and_put_up_again(database_url):
    whole = tables(database_url)
    assert whole >= {"trail_entry", "trail_head", "trail_checkpoint", "trail_erased", "trail_erasure_order"}
    downgrade(database_url, "0001")
    assert tables(database_url) == set()
    upgrade(database_url, "0002")
    assert tables(database_url) == {"trail_entry", "trail_head", "trail_checkpoint"}
    upgrade(database_url)
    assert tables(database_url) == whole
