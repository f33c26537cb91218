"""Numbers and standing are looked up by key, whatever the planner believes of tables that it has not counted yet.

A plan made while a table is small reads the whole of it, and stays in use while the table grows: with twenty thousand
numbers an ask read all of them. A subquery with both columns of a unique index is always that one row, and plans that
read whole tables are off in these functions.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

_BY_INDEX = "set enable_seqscan = off"


def upgrade() -> None:
    op.execute("""
        -- rows come from assign_numbers alone, which has the space's own row locked: to check each new row cost more
        -- than the row
        alter table number_map drop constraint number_map_space_fkey;
    """)
    op.execute(f"""
        create or replace function assign_numbers(p_space text, p_keys text[]) returns table (key text, number bigint)
        language plpgsql security definer set search_path = pg_catalog, public {_BY_INDEX} as $$
        #variable_conflict use_column
        declare
            v_last bigint;
            v_added bigint;
        begin
            -- the lock makes numbers dense and keeps two processes from giving one key two numbers
            select last into v_last from number_space where space = p_space for update;
            if not found then
                insert into number_space (space) values (p_space) on conflict do nothing;
                select last into v_last from number_space where space = p_space for update;
            end if;
            insert into number_map (space, number, key)
            select p_space, v_last + row_number() over (order by first_at), fresh.key
            from (
                select k.key, min(k.position) as first_at
                from unnest(p_keys) with ordinality as k(key, position)
                where (select m.number from number_map m where m.space = p_space and m.key = k.key) is null
                group by k.key
            ) fresh;
            get diagnostics v_added = row_count;
            if v_added > 0 then
                update number_space set last = last + v_added where space = p_space;
            end if;
            return query select k.key, (select m.number from number_map m where m.space = p_space and m.key = k.key)
                from (select distinct d.key from unnest(p_keys) as d(key)) k;
        end $$;

        create or replace function gate_numbers(p_spaces text[], p_keys text[]) returns bigint[]
        language plpgsql security definer set search_path = pg_catalog, pg_temp {_BY_INDEX} as $$
        declare
            v_space text;
            v_missing text[];
            v_numbers bigint[];
        begin
            -- not flushed here, and nothing is lost by it: see migration 0008
            perform set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '1500ms', true);
            v_numbers = array(
                select (select m.number from public.number_map m where m.space = k.space and m.key = k.key)
                from unnest(p_spaces, p_keys) with ordinality as k(space, key, n) order by k.n);
            if array_position(v_numbers, null) is null then
                return v_numbers;
            end if;
            foreach v_space in array array['actor', 'purpose', 'subject'] loop  -- one order, so none waits in a ring
                v_missing = array(
                    select k.key from unnest(p_spaces, p_keys, v_numbers) with ordinality as k(space, key, number, n)
                    where k.space = v_space and k.number is null order by k.n);
                if v_missing <> '{{}}' then
                    perform public.assign_numbers(v_space, v_missing);
                end if;
            end loop;
            return array(
                select (select m.number from public.number_map m where m.space = k.space and m.key = k.key)
                from unnest(p_spaces, p_keys) with ordinality as k(space, key, n) order by k.n);
        end $$;
    """)
    op.execute(f"""
        -- Where actors stand; see whosaw.gate.standing. Subject, purpose or target of a grant may have been erased: its
        -- number has no key then, and the grant opens nothing. One plan for all calls: to plan it costs more than to
        -- run it.
        create function gate_standing(p_actors text[], p_at timestamptz, p_required boolean, p_since timestamptz)
            returns table (key text, suspended boolean, acknowledged boolean, grants json, glass json)
        language plpgsql stable set search_path = pg_catalog, pg_temp
        set plan_cache_mode = force_generic_plan {_BY_INDEX} as $$
        #variable_conflict use_column
        begin
            return query
            select w.key, w.suspended,
                not p_required or exists (
                    select from public.conduct_acknowledgement a where a.actor = w.number and a.at > p_since
                        and a.code = (select c.id from public.conduct_code c where c.in_force_at <= p_at
                            order by c.in_force_at desc, c.id desc limit 1)),
                case when not w.suspended then (
                    select json_agg(json_build_array(g.id, g.kind, g.classes, g.action, ks.key, kp.key,
                        (extract(epoch from g.until_at) * 1000000)::bigint, g.digest, kt.key, g.case_ref) order by g.id)
                    from public.standing_grant g
                    left join public.number_map ks on ks.space = 'subject' and ks.number = g.subject
                    left join public.number_map kp on kp.space = 'purpose' and kp.number = g.purpose
                    left join public.number_map kt on kt.space = 'actor' and kt.number = g.target
                    where g.holder = w.number and g.state = 'in_force' and g.from_at <= p_at and g.until_at > p_at
                        and (g.subject is null) = (ks.key is null) and (g.purpose is null) = (kp.key is null)
                        and (g.target is null) = (kt.key is null)) end,
                case when not w.suspended then (
                    select json_agg(json_build_array(b.id, b.classes, ks.key,
                        (extract(epoch from b.until_at) * 1000000)::bigint) order by b.id)
                    from public.standing_glass b
                    left join public.number_map ks on ks.space = 'subject' and ks.number = b.subject
                    where b.holder = w.number and b.ended_at is null and b.broken_at <= p_at and b.until_at > p_at
                        and (b.subject is null) = (ks.key is null)) end
            from (
                select k.key, exists (select from public.gate_suspension s where s.actor = k.key) as suspended,
                    (select m.number from public.number_map m where m.space = 'actor' and m.key = k.key) as number
                from unnest(p_actors) as k(key) offset 0
            ) w;
        end $$;
        revoke all on function gate_standing(text[], timestamptz, boolean, timestamptz) from public;
        grant execute on function gate_standing(text[], timestamptz, boolean, timestamptz) to whosaw_door;
    """)


def downgrade() -> None:
    # the two that were replaced answer as before, and stay
    op.execute("""
        drop function gate_standing(text[], timestamptz, boolean, timestamptz);
        alter table number_map add foreign key (space) references number_space;
    """)
