"""Erasure: an entry's payload and salt may die, its leaf stays; what died, by which entry; legal holds."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        alter table trail_entry
            alter column payload drop not null,
            alter column salt drop not null,
            add constraint trail_entry_erased_whole check ((payload is null) = (salt is null)),
            alter column payload set statistics 0,
            alter column salt set statistics 0;
        -- The planner's statistics would keep samples of what is erased, and no plan needs them: these columns are
        -- sought through a unique index or not at all.
        alter table number_map alter column key set statistics 0;
        do $$ begin
            delete from pg_statistic s using pg_attribute a
            where a.attrelid = s.starelid and a.attnum = s.staattnum
                and (s.starelid, a.attname) in (('trail_entry'::regclass, 'payload'), ('trail_entry'::regclass, 'salt'),
                                                ('number_map'::regclass, 'key'));
        exception when insufficient_privilege then
            null;  -- only a superuser may; the next ANALYZE of another owner finds nothing to sample
        end $$;

        -- What was erased, and the index of the entry that announced it.
        create table trail_erased (
            index bigint primary key,
            erasure_index bigint not null
        );
        create index trail_erased_by on trail_erased (erasure_index);

        -- Numbers whose map row died on purpose: a missing row that stands here is not a lost one.
        create table number_erased (
            space text not null references number_space,
            number bigint not null,
            primary key (space, number)
        );

        -- An erasure under way: written before it is announced, gone when it is done, so that one that was interrupted
        -- is resumed. `ask` finds the announcement of an order that does not know its entry yet.
        create table trail_erasure_order (
            id bigint generated always as identity primary key,
            kind text not null check (kind in ('erasure', 'pruning')),
            space text,
            number bigint,
            indices bigint[] not null,
            ask text not null unique,
            payload text not null,
            after_index bigint not null,
            entry bigint,
            check ((space is null) = (number is null)),
            check (kind = 'erasure' or space is null)
        );
        create unique index trail_erasure_order_open on trail_erasure_order (space, number);

        create table legal_hold (
            id bigint generated always as identity primary key,
            space text not null check (space in ('subject', 'actor')),
            number bigint not null,
            ground text not null,
            review_on date not null,
            added_at timestamptz not null,
            added_by bigint not null,
            erasure_asked_at timestamptz,
            lifted_at timestamptz,
            lifted_by bigint
        );
        create unique index legal_hold_standing on legal_hold (space, number) where lifted_at is null;
    """)
    op.execute("""
        -- The tripwire again, now by row: the one change it lets through is that payload and salt of an entry die
        -- after the mark was set that says by which entry this was announced.
        drop trigger trail_entry_append_only on trail_entry;
        create trigger trail_entry_append_only before delete or truncate on trail_entry
            for each statement execute function trail_append_only();
        create function trail_only_erase() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as $$
        begin
            if new.payload is null and new.salt is null and new.leaf = old.leaf and new.index = old.index
                    and current_setting('whosaw.erasing', true) = 'on'
                    and exists (select from public.trail_erased e where e.index = old.index) then
                return new;
            end if;
            raise exception 'the trail is append-only' using errcode = 'insufficient_privilege';
        end $$;
        create trigger trail_entry_only_erase before update on trail_entry
            for each row execute function trail_only_erase();
        create trigger trail_erased_append_only before update or delete or truncate on trail_erased
            for each statement execute function trail_append_only();
    """)
    op.execute("""
        -- Carries one order out, whole or not at all, and returns how many entries it erased. It refuses an order that
        -- no entry of the trail announces, and one that a hold forbids.
        create function trail_erase(p_order bigint) returns bigint
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            v_order public.trail_erasure_order;
            v_said json;
            v_purposes bigint[];
            v_done bigint;
        begin
            perform set_config('synchronous_commit', 'on', true), set_config('whosaw.erasing', 'on', true);
            perform pg_advisory_xact_lock(x'65726173'::int::bigint);  -- "eras": orders and holds, one at a time
            select * into strict v_order from public.trail_erasure_order where id = p_order for update;
            select payload::json into v_said from public.trail_entry where index = v_order.entry;
            if v_said is null or v_said ->> 'kind' <> v_order.kind or v_said ->> 'ask' <> v_order.ask
                    or (v_said ->> 'entries')::bigint <> cardinality(v_order.indices) then
                raise exception 'no entry announces this erasure' using errcode = 'insufficient_privilege';
            end if;
            if exists (
                select from public.legal_hold h where h.lifted_at is null and (
                    (h.space = v_order.space and h.number = v_order.number)
                    or (h.space, h.number) in (
                        select 'subject', e.subject from public.trail_entry e where e.index = any(v_order.indices)
                        union select 'actor', e.actor from public.trail_entry e where e.index = any(v_order.indices))
                )
            ) then
                raise exception 'a legal hold stands' using errcode = 'insufficient_privilege';
            end if;
            select array_agg(distinct e.purpose) into v_purposes from public.trail_entry e
                where e.index = any(v_order.indices) and v_order.kind = 'erasure';
            insert into public.trail_erased (index, erasure_index)
                select i, v_order.entry from unnest(v_order.indices) as i;
            update public.trail_entry e set payload = null, salt = null
                where e.index = any(v_order.indices) and e.payload is not null;
            get diagnostics v_done = row_count;
            if v_done <> cardinality(v_order.indices) then
                raise exception 'an entry of this order is not there' using errcode = 'insufficient_privilege';
            end if;
            -- the subject's or actor's row, and the references of work that no entry gives as its purpose any more
            with gone as (
                delete from public.number_map m
                where (m.space = v_order.space and m.number = v_order.number)
                    or (m.space = 'purpose' and m.number = any(v_purposes)
                        and not exists (select from public.trail_entry e where e.purpose = m.number))
                returning m.space, m.number
            )
            insert into public.number_erased select space, number from gone on conflict do nothing;
            -- a hold that was lifted goes with whom it was about: its ground is free text
            delete from public.legal_hold h where h.space = v_order.space and h.number = v_order.number;
            delete from public.trail_erasure_order where id = p_order;
            perform set_config('whosaw.erasing', 'off', true);
            return v_done;
        end $$;
        revoke all on function trail_erase(bigint) from public;
        -- a door reads what it must pass over, and nothing of who asked for it
        grant select on trail_erased to whosaw_door;
    """)


def downgrade() -> None:
    op.execute("""
        do $$ begin
            if exists (select from trail_erased) then
                raise exception 'entries were erased: the schema before cannot hold them'
                    using errcode = 'feature_not_supported';
            end if;
        end $$;
        drop function trail_erase(bigint);
        drop table legal_hold;
        drop table trail_erasure_order;
        drop table number_erased;
        drop trigger trail_entry_only_erase on trail_entry;
        drop trigger trail_entry_append_only on trail_entry;
        drop table trail_erased;
        drop function trail_only_erase();
        create trigger trail_entry_append_only before update or delete or truncate on trail_entry
            for each statement execute function trail_append_only();
        alter table trail_entry
            drop constraint trail_entry_erased_whole,
            alter column payload set not null,
            alter column salt set not null,
            alter column payload set statistics -1,
            alter column salt set statistics -1;
        alter table number_map alter column key set statistics -1;
    """)
