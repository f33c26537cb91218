"""An append that gives the numbers its entries need, in the same transaction and the same round trip.

Numbering and appending were what an ask alone waited for longest: their statements were planned anew in every call, and
there were twice as many as it takes.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

# The bytes before what is hashed: 0x00 ‖ "whosaw/entry/v1\n" and "whosaw/commitment/v1\n" (whosaw.prove.canonical).
_LEAF_START = "0077686f7361772f656e7472792f76310a"
_COMMITMENT_DOMAIN = "77686f7361772f636f6d6d69746d656e742f76310a"

# one plan for all calls of these: to plan them anew costs more than to run them
_PLANNED_ONCE = ("assign_numbers(text, text[])", "log_append(text[], bytea[], bytea[])")


def upgrade() -> None:
    for function in _PLANNED_ONCE:
        op.execute(f"alter function {function} set plan_cache_mode = force_generic_plan")
    op.execute("""
        create or replace function gate_numbers(p_spaces text[], p_keys text[]) returns bigint[]
        language plpgsql security definer set search_path = pg_catalog, pg_temp
        set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
        declare
            v_spaces text[] = array['actor', 'purpose', 'subject'];  -- one order, so none waits in a ring
            v_missing bigint[];
            v_last bigint;
            v_added bigint;
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
            select array[count(*) filter (where k.space = 'actor'), count(*) filter (where k.space = 'purpose'),
                    count(*) filter (where k.space = 'subject')]
                into v_missing from unnest(p_spaces, v_numbers) as k(space, number) where k.number is null;
            for v_at in 1..3 loop
                continue when v_missing[v_at] = 0;
                -- the lock makes numbers dense and keeps two processes from giving one key two numbers
                update public.number_space set last = last + v_missing[v_at] where space = v_spaces[v_at]
                    returning last - v_missing[v_at] into v_last;
                if not found then
                    perform public.assign_numbers(v_spaces[v_at], array(
                        select k.key from unnest(p_spaces, p_keys) with ordinality as k(space, key, n)
                        where k.space = v_spaces[v_at] order by k.n));
                    continue;
                end if;
                -- a statement of its own: it sees what those have numbered whom the lock was waited for
                insert into public.number_map (space, number, key)
                select v_spaces[v_at], v_last + row_number() over (order by fresh.first_at), fresh.key
                from (
                    select k.key, min(k.n) as first_at from unnest(p_spaces, p_keys) with ordinality as k(space, key, n)
                    where k.space = v_spaces[v_at] and (
                        select m.number from public.number_map m where m.space = k.space and m.key = k.key) is null
                    group by k.key
                ) fresh;
                get diagnostics v_added = row_count;
                if v_added < v_missing[v_at] then
                    update public.number_space set last = last - (v_missing[v_at] - v_added)
                        where space = v_spaces[v_at];
                end if;
            end loop;
            return array(
                select (select m.number from public.number_map m where m.space = k.space and m.key = k.key)
                from unnest(p_spaces, p_keys) with ordinality as k(space, key, n) order by k.n);
        end $$;
    """)
    op.execute(f"""
        -- Entries say 0 where a number is to come, which is nobody's; actors, subjects and purposes hold per entry the
        -- place among the keys whose number that is, 0 where none is to come. In a string quotes are escaped, so what
        -- is replaced is the member itself. A number and the entry that carries it live or die together here, for
        -- log_append, called last, has the commit flushed.
        create function log_append_numbered(
            p_spaces text[], p_keys text[], p_payloads text[], p_salts bytea[],
            p_actors int[], p_subjects int[], p_purposes int[],
            out first bigint, out numbers bigint[], out hashes bytea)
        language plpgsql security definer set search_path = pg_catalog, pg_temp
        set plan_cache_mode = force_generic_plan as $$
        declare
            v_texts text[];
            v_leaves bytea[];
        begin
            numbers = public.gate_numbers(p_spaces, p_keys);
            select array_agg(h.payload), array_agg(h.leaf), string_agg(h.leaf, '') into v_texts, v_leaves, hashes from (
                select e.n, e.payload, sha256('\\x{_LEAF_START}'::bytea || sha256(
                    '\\x{_COMMITMENT_DOMAIN}'::bytea || e.salt || convert_to(e.payload, 'UTF8'))) as leaf
                from (
                    select e.n, e.salt, replace(replace(replace(e.payload,
                        '"actor"\\:0', '"actor"\\:' || coalesce(numbers[e.actor], 0)),
                        '"subject"\\:0', '"subject"\\:' || coalesce(numbers[e.subject], 0)),
                        '"purpose"\\:0', '"purpose"\\:' || coalesce(numbers[e.purpose], 0)) as payload
                    from unnest(p_payloads, p_salts, p_actors, p_subjects, p_purposes)
                        with ordinality as e(payload, salt, actor, subject, purpose, n) offset 0
                ) e order by e.n
            ) h;
            first = public.log_append(v_texts, p_salts, v_leaves);
        end $$;
        revoke all on function log_append_numbered(text[], text[], text[], bytea[], int[], int[], int[]) from public;
        grant execute on function log_append_numbered(text[], text[], text[], bytea[], int[], int[], int[])
            to whosaw_door;
    """)


def downgrade() -> None:
    # gate_numbers answers as before, and stays
    op.execute("drop function log_append_numbered(text[], text[], text[], bytea[], int[], int[], int[])")
    for function in _PLANNED_ONCE:
        op.execute(f"alter function {function} reset plan_cache_mode")
