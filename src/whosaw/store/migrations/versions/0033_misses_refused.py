"""Misses that are refused because they are too many at once use up what is left, instead of costing nothing.

Several asks at once are refused or answered together. Where a refusal cost nothing, somebody could send as many keys
that he knew to be nobody's as he had misses left, and one more: refused, for nothing, where that one was nobody's too.
"""

from alembic import op

revision = "0033"
down_revision = "0032"

_BUT = ", but of misses what was left"
_REFUSED = """
                if v_verdict <> 0 and u.class = 'misses' and u.subject is null and u.amount > 0 then
                    -- as many as could still have been counted in every window
                    v_left = greatest(0, least(u.amount,
                        (select min(case when u.stated then l.hard else least(l.hard, l.soft) end - l.spent)
                            from unnest(u.hard, u.soft, v_counts) as l(hard, soft, spent))));
                    for w in 1..3 loop
                        v_counts[w] = v_counts[w] + v_left;
                    end loop;
                end if;
"""


def upgrade() -> None:
    op.execute(_spend(_REFUSED.lstrip("\n"), _BUT))


def downgrade() -> None:
    op.execute(_spend("", ""))


def _spend(refused: str, but: str) -> str:
    return f"""
        -- Counts what is about to be shown, or refuses it. A unit names its actor and subject by their place in p_keys;
        -- without a subject its amount is counted as it is. A verdict per unit: 0 counted (or counted before), 1 a
        -- reason must be stated, 2 exhausted; what is not 0 was not counted{but}. Amount 0 asks and counts nothing.
        create or replace function gate_spend(
            p_spaces text[], p_keys text[], p_at_us bigint, p_units json, out numbers bigint[], out verdicts smallint[]
        ) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            v_hour bigint = p_at_us - p_at_us % 3600000000;
            v_day bigint = p_at_us - p_at_us % 86400000000;
            v_month bigint = extract(epoch from
                date_trunc('month', to_timestamp(p_at_us / 1000000) at time zone 'UTC'))::bigint * 1000000;
            v_stale boolean;
            v_actor bigint;
            v_class text;
            v_counts bigint[];   -- of the hour, the day and the month, of v_actor and v_class
            v_adds bigint[];     -- what this unit would add to each
            v_verdict smallint;
            v_left bigint;
            v_actors bigint[] = '{{}}';
            v_classes text[] = '{{}}';
            v_subjects bigint[] = '{{}}';
            v_sums json[] = '{{}}';
            u record;
        begin
            numbers = public.gate_numbers(p_spaces, p_keys);  -- from here on the commit is not flushed: see there
            verdicts = '{{}}';
            -- every counter, locked in one order; a window that is over starts anew, and none ever goes back
            with locked as (
                insert into public.gate_budget as b
                    (actor, class, hour_us, hour_spent, day_us, day_spent, month_us, month_spent)
                select distinct numbers[k.actor], k.class, v_hour, 0, v_day, 0, v_month, 0
                    from json_to_recordset(p_units) as k(actor int, class text) order by 1, 2
                on conflict (actor, class) do update set
                    hour_us = greatest(b.hour_us, excluded.hour_us),
                    hour_spent = case when excluded.hour_us > b.hour_us then 0 else b.hour_spent end,
                    day_us = greatest(b.day_us, excluded.day_us),
                    day_spent = case when excluded.day_us > b.day_us then 0 else b.day_spent end,
                    month_us = greatest(b.month_us, excluded.month_us),
                    month_spent = case when excluded.month_us > b.month_us then 0 else b.month_spent end,
                    stale = excluded.month_us > b.month_us
                returning b.stale
            ) select coalesce(bool_or(locked.stale), false) into v_stale from locked;
            if v_stale then  -- what was counted in a month that is over is of no use to anybody
                delete from public.gate_spent s using public.gate_budget b
                    where b.stale and s.actor = b.actor and s.class = b.class and s.last_us < b.month_us
                    and (b.actor, b.class) in (
                        select numbers[k.actor], k.class from json_to_recordset(p_units) as k(actor int, class text));
            end if;
            -- a statement of its own: it sees what those have counted whom the locks were waited for
            for u in
                select r.n, r.class, numbers[r.actor] as actor, numbers[r.subject] as subject, r.amount, r.stated,
                    r.soft, r.hard, b.hour_us, b.day_us, b.month_us, b.hour_spent, b.day_spent, b.month_spent,
                    coalesce(s.last_us, -1) as last_us
                from json_to_recordset(p_units) as r(n int, actor int, class text, subject int, amount bigint,
                    stated boolean, soft bigint[], hard bigint[])
                join public.gate_budget b on b.actor = numbers[r.actor] and b.class = r.class
                left join public.gate_spent s
                    on s.actor = b.actor and s.class = b.class and s.subject = numbers[r.subject]
                order by b.actor, b.class, r.n
            loop
                if u.actor is distinct from v_actor or u.class is distinct from v_class then
                    if v_actor is not null then
                        v_sums = v_sums || json_build_object('actor', v_actor, 'class', v_class, 'counts', v_counts);
                    end if;
                    v_actor = u.actor;
                    v_class = u.class;
                    v_counts = array[u.hour_spent, u.day_spent, u.month_spent];
                end if;
                if u.subject is null then
                    v_adds = array_fill(greatest(u.amount, 1), array[3]);
                else
                    v_adds = array[(u.last_us < u.hour_us)::int, (u.last_us < u.day_us)::int,
                        (u.last_us < u.month_us)::int];
                end if;
                v_verdict = 0;
                for w in 1..3 loop
                    if v_adds[w] > 0 and v_counts[w] + v_adds[w] > u.hard[w] then
                        v_verdict = 2;
                    elsif v_adds[w] > 0 and v_counts[w] + v_adds[w] > u.soft[w] and not u.stated then
                        v_verdict = greatest(v_verdict, 1::smallint);
                    end if;
                end loop;
                verdicts[u.n] = v_verdict;
{refused}                if v_verdict = 0 and u.amount > 0 and v_adds[1] > 0 then
                    for w in 1..3 loop
                        v_counts[w] = v_counts[w] + v_adds[w];
                    end loop;
                    if u.subject is not null then
                        v_actors = v_actors || u.actor;
                        v_classes = v_classes || u.class;
                        v_subjects = v_subjects || u.subject;
                    end if;
                end if;
            end loop;
            if v_actor is not null then
                v_sums = v_sums || json_build_object('actor', v_actor, 'class', v_class, 'counts', v_counts);
            end if;
            update public.gate_budget b set stale = false, hour_spent = c.counts[1], day_spent = c.counts[2],
                    month_spent = c.counts[3]
                from json_to_recordset(array_to_json(v_sums)) as c(actor bigint, class text, counts bigint[])
                where b.actor = c.actor and b.class = c.class
                and (b.stale or (b.hour_spent, b.day_spent, b.month_spent) <> (c.counts[1], c.counts[2], c.counts[3]));
            -- a clock may stand a little before the window's start, which another one has opened
            insert into public.gate_spent as s (actor, class, subject, last_us)
                select d.actor, d.class, d.subject, greatest(p_at_us, b.hour_us)
                from unnest(v_actors, v_classes, v_subjects) as d(actor, class, subject)
                join public.gate_budget b on b.actor = d.actor and b.class = d.class
                on conflict (actor, class, subject) do update set last_us = greatest(s.last_us, excluded.last_us);
        end $$;
    """
