"""The number maps: the only place that leads from the record's integers to the company's keys."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table number_space (space text primary key, last bigint not null default 0);
        create table number_map (
            space text not null references number_space,
            number bigint not null,
            key text not null,
            primary key (space, number),
            unique (space, key)
        );

        -- The row lock on number_space makes numbers dense and keeps two processes from giving one key two numbers.
        create function assign_numbers(p_space text, p_keys text[]) returns table (key text, number bigint)
        language plpgsql security definer set search_path = pg_catalog, public as $$
        #variable_conflict use_column
        declare
            v_last bigint;
            v_added bigint;
        begin
            insert into number_space (space) values (p_space) on conflict do nothing;
            select last into v_last from number_space where space = p_space for update;
            insert into number_map (space, number, key)
            select p_space, v_last + row_number() over (order by first_at), fresh.key
            from (
                select k.key, min(k.position) as first_at
                from unnest(p_keys) with ordinality as k(key, position)
                where not exists (select 1 from number_map m where m.space = p_space and m.key = k.key)
                group by k.key
            ) fresh;
            get diagnostics v_added = row_count;
            if v_added > 0 then
                update number_space set last = last + v_added where space = p_space;
            end if;
            return query select m.key, m.number from number_map m where m.space = p_space and m.key = any(p_keys);
        end $$;
        revoke all on function assign_numbers(text, text[]) from public;
    """)


def downgrade() -> None:
    op.execute("""
        drop function assign_numbers(text, text[]);
        drop table number_map;
        drop table number_space;
    """)
