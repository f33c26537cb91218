"""Sets of subjects too big for an entry, kept beside it: written before it, found by any of them, gone with it."""

from alembic import op

revision = "0007"
down_revision = "0006"

# the domain of whosaw.prove.exposure, in hex
_DOMAIN = "77686f7361772f6578706f737572652f76310a"
# in a canonical payload these bytes stand for the name and nothing else: inside a string the quotes are escaped
_NAMES = 'position(\'"exposure":"\' in {row}.payload) > 0'
_MOST_BYTES = 32 * 1024 * 1024


def upgrade() -> None:
    op.execute("""
        create table trail_exposure (
            hash bytea primary key check (length(hash) = 32),
            salt bytea not null check (length(salt) = 32),
            numbers bytea not null,
            count bigint not null check (count > 0),
            stored_at timestamptz not null default clock_timestamp()
        );
        -- packed already; and the planner's statistics must keep no sample of what may be erased
        alter table trail_exposure
            alter column numbers set storage external,
            alter column numbers set statistics 0,
            alter column salt set statistics 0;

        -- Which entry names which set; filled as entries come.
        create table trail_exposed (
            index bigint primary key references trail_entry,
            hash bytea not null references trail_exposure
        );
        create index trail_exposed_hash on trail_exposed (hash);

        -- Tripwires, as on the entries: sets die with the payload that names them, or as orphans.
        create function trail_exposure_stays() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as $$
        begin
            if tg_op = 'DELETE' and current_setting('whosaw.erasing', true) = 'on' then
                return null;
            end if;
            raise exception 'the trail is append-only' using errcode = 'insufficient_privilege';
        end $$;
        create trigger trail_exposure_stays before update or delete or truncate on trail_exposure
            for each statement execute function trail_exposure_stays();
        create trigger trail_exposed_stays before update or delete or truncate on trail_exposed
            for each statement execute function trail_exposure_stays();
    """)
    _read_bitmaps()
    _store()
    _link_and_erase()
    op.execute("""
        grant execute on function trail_expose(bytea, bytea) to whosaw_door;
        grant select on trail_exposure, trail_exposed to whosaw_door;
    """)


def _read_bitmaps() -> None:
    """Whether a number is in a 64-bit Roaring bitmap, and how many are, without taking all of it apart."""
    op.execute("""
        create function exposure_le(b bytea, at bigint, bytes int) returns bigint
        language sql immutable strict parallel safe
        return case bytes
            when 2 then get_byte(b, at::int) | (get_byte(b, at::int + 1) << 8)
            else get_byte(b, at::int)::bigint | (get_byte(b, at::int + 1)::bigint << 8)
                | (get_byte(b, at::int + 2)::bigint << 16) | (get_byte(b, at::int + 3)::bigint << 24)
        end;

        -- The containers of the 32-bit bitmap at `start`: how many, where their heads stand, whether some are runs
        -- (`runs` is where the flags stand, else 0), where offsets stand (else 0) and where the first one begins.
        create function exposure_bucket(b bytea, start bigint, out containers bigint, out heads bigint, out runs bigint,
                out offsets bigint, out body bigint)
        language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
        declare
            cookie bigint = public.exposure_le(b, start, 4);
        begin
            runs = 0;
            offsets = 0;
            if cookie & 65535 = 12347 then
                containers = (cookie >> 16) + 1;
                runs = start + 4;
                heads = runs + (containers + 7) / 8;
            elsif cookie = 12346 then
                containers = public.exposure_le(b, start + 4, 4);
                heads = start + 8;
            else
                raise exception 'not a bitmap' using errcode = 'invalid_parameter_value';
            end if;
            if containers not between 1 and 65536 then
                raise exception 'not a bitmap' using errcode = 'invalid_parameter_value';
            end if;
            body = heads + 4 * containers;
            if runs = 0 or containers >= 4 then
                offsets = body;
                body = body + 4 * containers;
            end if;
        end $$;

        -- Whether container i is runs, and the bytes it takes where it begins at `at`.
        create function exposure_is_runs(b bytea, runs bigint, i bigint) returns boolean
        language sql immutable strict parallel safe
        return runs > 0 and get_byte(b, (runs + i / 8)::int) >> (i % 8)::int & 1 = 1;

        create function exposure_size(b bytea, at bigint, is_runs boolean, count bigint) returns bigint
        language sql immutable strict parallel safe
        return case when is_runs then 2 + 4 * public.exposure_le(b, at, 2)
            when count <= 4096 then 2 * count else 8192 end;

        -- How many numbers a bitmap holds; refuses one whose parts do not follow each other to its very end.
        create function exposure_count(numbers bytea) returns bigint
        language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
        declare
            b bytea = numbers || ''::bytea;  -- whole in memory, not fetched anew for each byte
            at bigint = 8;
            bucket record;
            size bigint;
            total bigint = 0;
        begin
            for n in 1..public.exposure_le(b, 0, 4) loop
                select * into bucket from public.exposure_bucket(b, at + 4);
                if public.exposure_le(b, bucket.heads, 2) is null then
                    return null;
                end if;
                size = at + 4;
                at = bucket.body;
                for i in 0..bucket.containers - 1 loop
                    if bucket.offsets > 0 and public.exposure_le(b, bucket.offsets + 4 * i, 4) <> at - size then
                        raise exception 'not a bitmap' using errcode = 'invalid_parameter_value';
                    end if;
                    total = total + public.exposure_le(b, bucket.heads + 4 * i + 2, 2) + 1;
                    at = at + public.exposure_size(b, at, public.exposure_is_runs(b, bucket.runs, i),
                        public.exposure_le(b, bucket.heads + 4 * i + 2, 2) + 1);
                end loop;
            end loop;
            if at <> length(b) or public.exposure_le(b, 4, 4) <> 0 then
                raise exception 'not a bitmap' using errcode = 'invalid_parameter_value';
            end if;
            return total;
        end $$;

        create function exposure_has(numbers bytea, number bigint) returns boolean
        language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
        declare
            b bytea = numbers || ''::bytea;  -- whole in memory, not fetched anew for each byte
            high constant bigint = number >> 32;
            middle constant bigint = number >> 16 & 65535;
            low constant bigint = number & 65535;
            at bigint = 8;
            bucket record;
            key bigint;
            first bigint;
            last bigint;
            i bigint;
            count bigint;
        begin
            for n in 1..public.exposure_le(b, 0, 4) loop
                key = public.exposure_le(b, at, 4);
                if key > high then
                    return false;
                end if;
                select * into bucket from public.exposure_bucket(b, at + 4);
                exit when key = high;
                -- over it: to its last container, and that one's end
                i = case when bucket.offsets > 0 then bucket.containers - 1 else 0 end;
                at = case when bucket.offsets > 0 then at + 4 + public.exposure_le(b, bucket.offsets + 4 * i, 4)
                    else bucket.body end;
                while i < bucket.containers loop
                    at = at + public.exposure_size(b, at, public.exposure_is_runs(b, bucket.runs, i),
                        public.exposure_le(b, bucket.heads + 4 * i + 2, 2) + 1);
                    i = i + 1;
                end loop;
                key = -1;
            end loop;
            if key is distinct from high then
                return false;
            end if;
            -- the container, by halves
            first = 0;
            last = bucket.containers - 1;
            while first < last loop
                i = (first + last) / 2;
                if public.exposure_le(b, bucket.heads + 4 * i, 2) < middle then
                    first = i + 1;
                else
                    last = i;
                end if;
            end loop;
            if public.exposure_le(b, bucket.heads + 4 * first, 2) <> middle then
                return false;
            end if;
            count = public.exposure_le(b, bucket.heads + 4 * first + 2, 2) + 1;
            if bucket.offsets > 0 then
                at = at + 4 + public.exposure_le(b, bucket.offsets + 4 * first, 4);
            else
                at = bucket.body;
                for j in 0..first - 1 loop
                    at = at + public.exposure_size(b, at, public.exposure_is_runs(b, bucket.runs, j),
                        public.exposure_le(b, bucket.heads + 4 * j + 2, 2) + 1);
                end loop;
            end if;
            if public.exposure_is_runs(b, bucket.runs, first) then
                for j in 0..public.exposure_le(b, at, 2) - 1 loop
                    key = public.exposure_le(b, at + 2 + 4 * j, 2);
                    if low < key then
                        return false;
                    elsif low <= key + public.exposure_le(b, at + 4 + 4 * j, 2) then
                        return true;
                    end if;
                end loop;
                return false;
            elsif count > 4096 then
                return get_byte(b, (at + low / 8)::int) >> (low % 8)::int & 1 = 1;
            end if;
            first = 0;
            last = count - 1;
            while first < last loop
                i = (first + last) / 2;
                if public.exposure_le(b, at + 2 * i, 2) < low then
                    first = i + 1;
                else
                    last = i;
                end if;
            end loop;
            return public.exposure_le(b, at + 2 * first, 2) = low;
        end $$;
    """)


def _store() -> None:
    op.execute(f"""
        -- Keeps a set, durably before it returns, and returns its hash.
        create function trail_expose(p_salt bytea, p_numbers bytea) returns bytea
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            v_hash bytea = sha256('\\x{_DOMAIN}'::bytea || p_salt || p_numbers);
        begin
            perform set_config('synchronous_commit', 'on', true);
            if length(p_numbers) > {_MOST_BYTES} then
                raise exception 'an exposure set is too long' using errcode = 'program_limit_exceeded';
            end if;
            insert into public.trail_exposure (hash, salt, numbers, count)
                values (v_hash, p_salt, p_numbers, public.exposure_count(p_numbers));
            return v_hash;
        end $$;
        revoke all on function trail_expose(bytea, bytea) from public;

        -- Deletes sets that no entry came to name (the writer died in between), kept for longer than any append may
        -- take; returns how many.
        create function trail_sweep_exposures() returns bigint
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            v_gone bigint;
        begin
            perform set_config('whosaw.erasing', 'on', true);
            delete from public.trail_exposure x
                where x.stored_at < clock_timestamp() - interval '1 day'
                and not exists (select from public.trail_exposed r where r.hash = x.hash);
            get diagnostics v_gone = row_count;
            perform set_config('whosaw.erasing', 'off', true);
            return v_gone;
        end $$;
        revoke all on function trail_sweep_exposures() from public;

        -- The entries whose set holds a number; every set is looked into.
        create function trail_exposing(p_number bigint) returns setof bigint
        language sql stable set search_path = pg_catalog, pg_temp as $$
            select r.index from public.trail_exposure x join public.trail_exposed r on r.hash = x.hash
            where public.exposure_has(x.numbers, p_number) order by r.index
        $$;
    """)


def _link_and_erase() -> None:
    op.execute(f"""
        -- An entry that names a set is refused unless the set is there and holds as many numbers as it says. The row
        -- stays locked until the entry is committed, so no sweep can take it meanwhile.
        create function trail_links_exposure() returns trigger
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            v_hash constant bytea = decode(new.payload::json ->> 'exposure', 'hex');
        begin
            perform from public.trail_exposure x
                where x.hash = v_hash and x.count::text = new.payload::json ->> 'subjects' for key share;
            if not found then
                raise exception 'an entry names an exposure set that is not there'
                    using errcode = 'foreign_key_violation';
            end if;
            insert into public.trail_exposed (index, hash) values (new.index, v_hash);
            return null;
        end $$;
        create trigger trail_links_exposure after insert on trail_entry
            for each row when ({_NAMES.format(row="new")}) execute function trail_links_exposure();

        -- With the payload that names it a set dies, but not while a hold stands on somebody in it.
        create function trail_exposure_dies() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as $$
        declare
            v_hash bytea;
        begin
            if exists (
                select from public.trail_exposed r join public.trail_exposure x on x.hash = r.hash, public.legal_hold h
                where r.index = new.index and h.lifted_at is null and h.space = 'subject'
                    and public.exposure_has(x.numbers, h.number)
            ) then
                raise exception 'a legal hold stands' using errcode = 'insufficient_privilege';
            end if;
            delete from public.trail_exposed r where r.index = new.index returning r.hash into v_hash;
            delete from public.trail_exposure x
                where x.hash = v_hash and not exists (select from public.trail_exposed r where r.hash = v_hash);
            return null;
        end $$;
        create trigger trail_exposure_dies after update on trail_entry
            for each row when (new.payload is null and {_NAMES.format(row="old")})
            execute function trail_exposure_dies();
    """)


def downgrade() -> None:
    op.execute("""
        do $$ begin
            if exists (select from trail_exposed) then
                raise exception 'entries name exposure sets: the schema before cannot hold them'
                    using errcode = 'feature_not_supported';
            end if;
        end $$;
        drop trigger trail_exposure_dies on trail_entry;
        drop trigger trail_links_exposure on trail_entry;
        drop function trail_exposure_dies();
        drop function trail_links_exposure();
        drop function trail_exposing(bigint);
        drop function trail_sweep_exposures();
        drop function trail_expose(bytea, bytea);
        drop table trail_exposed;
        drop table trail_exposure;
        drop function trail_exposure_stays();
        drop function exposure_has(bytea, bigint);
        drop function exposure_count(bytea);
        drop function exposure_size(bytea, bigint, boolean, bigint);
        drop function exposure_is_runs(bytea, bigint, bigint);
        drop function exposure_bucket(bytea, bigint);
        drop function exposure_le(bytea, bigint, int);
    """)
