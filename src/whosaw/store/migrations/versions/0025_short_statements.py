"""The two statements of every ask in whosaw's own database, with what most asks need and no more.

Most actors have neither a suspension nor a grant nor broken glass: to look whether there is any costs half of what it
takes to tell which. The numbered append called two functions that each looked up, counted and hashed for themselves;
it is one function of four short statements now, and each entry is read and hashed once.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

# The bytes before what is hashed: 0x00 ‖ "whosaw/entry/v1\n" and "whosaw/commitment/v1\n" (whosaw.prove.canonical).
_LEAF_START = "0077686f7361772f656e7472792f76310a"
_COMMITMENT_DOMAIN = "77686f7361772f636f6d6d69746d656e742f76310a"

# one plan for all calls, and always by index: see migrations 0012 and 0020
_PLANNED_ONCE = "set plan_cache_mode = force_generic_plan set enable_seqscan = off"


def upgrade() -> None:
    _append()
    _standing()


def _append() -> None:
    op.execute(f"""
        -- Entries say 0 where a number is to come, which is nobody's; actors, subjects and purposes hold per entry the
        -- place among the keys whose number that is, 0 where none is to come. Every key is there once. In a string
        -- quotes are escaped, so what is replaced is the member itself. A number and the entry that carries it live or
        -- die together here. The commit is flushed: set_config in the body, not a SET clause, which would be undone
        -- when the function returns.
        create or replace function log_append_numbered(
            p_spaces text[], p_keys text[], p_payloads text[], p_salts bytea[],
            p_actors int[], p_subjects int[], p_purposes int[],
            out first bigint, out numbers bigint[], out hashes bytea)
        language plpgsql security definer set search_path = pg_catalog, pg_temp {_PLANNED_ONCE} as $$
        declare
            v_set constant text =
                set_config('synchronous_commit', 'on', true) || set_config('lock_timeout', '1500ms', true);
            v_entries constant int = cardinality(p_payloads);
            v_spaces constant text[] = array['actor', 'purpose', 'subject'];  -- one order, so none waits in a ring
            v_wanted int;
            v_number bigint;
            v_last bigint[] = array[null, null, null];  -- the last number given in each space
            v_end bigint[] = array[null, null, null];   -- the last one reserved
            v_fresh bigint[] = array_fill(null::bigint, array[cardinality(p_keys)]);  -- null where the key has one
            v_at int;
            v_added bigint;
        begin
            if coalesce(v_entries, 0) = 0 or cardinality(p_salts) <> v_entries
                    or cardinality(p_spaces) <> cardinality(p_keys) then
                raise exception 'a batch holds one salt per payload, at least one, and one space per key'
                    using errcode = 'invalid_parameter_value';
            end if;
            for v_at in 1..3 loop
                v_wanted = cardinality(array_positions(p_spaces, v_spaces[v_at]));
                continue when v_wanted = 0;
                -- the lock makes numbers dense and keeps two processes from giving one key two numbers
                update public.number_space s set last = s.last + v_wanted where s.space = v_spaces[v_at]
                    returning s.last into v_number;
                if not found then
                    insert into public.number_space as s (space, last) values (v_spaces[v_at], v_wanted)
                        on conflict (space) do update set last = s.last + excluded.last returning s.last into v_number;
                end if;
                v_end[v_at] = v_number;
                v_last[v_at] = v_number - v_wanted;
            end loop;
            -- a statement of its own: it sees what those have numbered whom the locks were waited for
            numbers = array(
                select (select m.number from public.number_map m where m.space = k.space and m.key = k.key)
                from unnest(p_spaces, p_keys) with ordinality as k(space, key, n) order by k.n);
            for v_n in 1..cardinality(p_keys) loop
                if numbers[v_n] is null then
                    v_at = array_position(v_spaces, p_spaces[v_n]);
                    v_number = v_last[v_at] + 1;
                    v_last[v_at] = v_number;
                    numbers[v_n] = v_number;
                    v_fresh[v_n] = v_number;
                end if;
            end loop;
            insert into public.number_map (space, number, key)
                select k.space, k.number, k.key from unnest(p_spaces, v_fresh, p_keys) as k(space, number, key)
                where k.number is not null;
            if v_last is distinct from v_end then  -- what known keys did not need
                for v_at in 1..3 loop
                    continue when v_last[v_at] is not distinct from v_end[v_at];
                    update public.number_space s set last = v_last[v_at] where s.space = v_spaces[v_at];
                end loop;
            end if;
            with head as (
                update public.trail_head h set size = h.size + v_entries returning h.size - v_entries as begins
            ), added as (
                insert into public.trail_entry as t
                    (index, leaf, salt, payload, kind, at_us, actor, subject, purpose, beneficiary)
                select head.begins + e.n - 1,
                    sha256('\\x{_LEAF_START}'::bytea || sha256(
                        '\\x{_COMMITMENT_DOMAIN}'::bytea || e.salt || convert_to(e.payload, 'UTF8'))),
                    e.salt, e.payload, said.kind, said.at, said.actor, said.subject, said.purpose, said.beneficiary
                from head, (
                    select e.n, e.salt, replace(replace(replace(e.payload,
                        '"actor"\\:0', '"actor"\\:' || coalesce(numbers[e.actor], 0)),
                        '"subject"\\:0', '"subject"\\:' || coalesce(numbers[e.subject], 0)),
                        '"purpose"\\:0', '"purpose"\\:' || coalesce(numbers[e.purpose], 0)) as payload
                    from unnest(p_payloads, p_salts, p_actors, p_subjects, p_purposes)
                        with ordinality as e(payload, salt, actor, subject, purpose, n) offset 0
                ) e, json_to_record(e.payload::json) as said(
                    kind text, at bigint, actor bigint, subject bigint, purpose bigint, beneficiary text)
                returning t.index, t.leaf
            )
            select min(a.index), string_agg(a.leaf, '' order by a.index), count(*) into first, hashes, v_added
                from added a;
            if v_added <> v_entries then
                raise exception 'the trail has no head row' using errcode = 'no_data_found';
            end if;
        end $$;
    """)


def _standing() -> None:
    op.execute(f"""
        -- Where actors stand, as gate_standing tells it: a row [key, suspended, acknowledged, grants, glass] for each;
        -- or "plain" where none is suspended, holds a grant, has broken glass or has yet to acknowledge the code.
        create function gate_standing_brief(
            p_actors text[], p_at timestamptz, p_required boolean, p_since timestamptz) returns json
        language plpgsql stable set search_path = pg_catalog, pg_temp {_PLANNED_ONCE} as $$
        declare
            v_plain boolean;
        begin
            v_plain = not exists (
                select from (
                    select k.key,
                        (select m.number from public.number_map m where m.space = 'actor' and m.key = k.key) as number
                    from unnest(p_actors) as k(key) offset 0
                ) w
                where (select s.actor from public.gate_suspension s where s.actor = w.key) is not null
                    or (select g.id from public.standing_grant g
                        where g.holder = w.number and g.state = 'in_force' and g.until_at > p_at limit 1) is not null
                    or (select b.id from public.standing_glass b
                        where b.holder = w.number and b.until_at > p_at and b.ended_at is null limit 1) is not null);
            if v_plain and p_required then
                v_plain = not exists (
                    select from unnest(p_actors) as k(key) where (
                        select a.actor from public.conduct_acknowledgement a
                        where a.at > p_since
                            and a.actor = (
                                select m.number from public.number_map m where m.space = 'actor' and m.key = k.key)
                            and a.code = (select c.id from public.conduct_code c where c.in_force_at <= p_at
                                order by c.in_force_at desc, c.id desc limit 1)) is null);
            end if;
            if v_plain then
                return '"plain"'::json;
            end if;
            return (select json_agg(json_build_array(s.key, s.suspended, s.acknowledged, s.grants, s.glass))
                from public.gate_standing(p_actors, p_at, p_required, p_since) s);
        end $$;
        revoke all on function gate_standing_brief(text[], timestamptz, boolean, timestamptz) from public;
        grant execute on function gate_standing_brief(text[], timestamptz, boolean, timestamptz) to whosaw_door;
    """)


def downgrade() -> None:
    # the append that was replaced answers as before, and stays
    op.execute("drop function gate_standing_brief(text[], timestamptz, boolean, timestamptz)")
