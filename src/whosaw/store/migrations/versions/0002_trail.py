"""The trail: entries, the head that orders them, the checkpoints signed over them, and the one way to append."""

from alembic import op

revision = "0002"
down_revision = "0001"

# The bytes before what is hashed: 0x00 ‖ "whosaw/entry/v1\n" and "whosaw/commitment/v1\n" (whosaw.prove.canonical).
_LEAF_START = "0077686f7361772f656e7472792f76310a"
_COMMITMENT_DOMAIN = "77686f7361772f636f6d6d69746d656e742f76310a"


def upgrade() -> None:
    op.execute("""
        -- The payload's text is the one truth. The columns beside it are generated from it, for the indexes; json
        -- (not jsonb) because six columns read each text and json is the cheaper parse.
        create table trail_entry (
            index bigint primary key check (index >= 0),
            leaf bytea not null check (length(leaf) = 32),
            salt bytea not null check (length(salt) = 32),
            payload text not null,
            kind text generated always as (payload::json ->> 'kind') stored,
            at_us bigint generated always as ((payload::json ->> 'at')::bigint) stored,
            actor bigint generated always as ((payload::json ->> 'actor')::bigint) stored,
            subject bigint generated always as ((payload::json ->> 'subject')::bigint) stored,
            purpose bigint generated always as ((payload::json ->> 'purpose')::bigint) stored,
            beneficiary text generated always as (payload::json ->> 'beneficiary') stored
        );
        create index trail_entry_subject_at on trail_entry (subject, at_us);
        create index trail_entry_actor_at on trail_entry (actor, at_us);
        create index trail_entry_at on trail_entry using brin (at_us);

        -- One row, locked by every append: it gives the order and leaves no gap.
        create table trail_head (
            one boolean primary key default true check (one),
            size bigint not null check (size >= 0)
        ) with (fillfactor = 50);
        insert into trail_head (size) values (0);

        create table trail_checkpoint (
            size bigint primary key check (size >= 0),
            root bytea not null check (length(root) = 32),
            at_us bigint not null,
            note text not null
        );

        -- A tripwire, not a wall: it catches mistakes. An owner or superuser can take it away, and is found by fsck.
        create function trail_append_only() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as $$
        begin
            raise exception 'the trail is append-only' using errcode = 'insufficient_privilege';
        end $$;
        create trigger trail_entry_append_only before update or delete or truncate on trail_entry
            for each statement execute function trail_append_only();
    """)
    op.execute(f"""
        -- set_config in the body, not a SET clause: a clause is undone when the function returns, before the commit.
        create function log_append(payloads text[], salts bytea[], leaves bytea[]) returns bigint
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        declare
            added bigint;
            first_index bigint;
        begin
            perform set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '1500ms', true);
            added = cardinality(payloads);
            if coalesce(added, 0) = 0 or cardinality(salts) <> added or cardinality(leaves) <> added then
                raise exception 'a batch holds one salt and one leaf per payload, at least one'
                    using errcode = 'invalid_parameter_value';
            end if;
            update public.trail_head set size = size + added returning size - added into strict first_index;
            insert into public.trail_entry (index, leaf, salt, payload)
            select first_index + batch.n - 1, batch.leaf, batch.salt, batch.payload
            from unnest(leaves, salts, payloads) with ordinality as batch(leaf, salt, payload, n)
            where batch.leaf = sha256('\\x{_LEAF_START}'::bytea
                || sha256('\\x{_COMMITMENT_DOMAIN}'::bytea || batch.salt || convert_to(batch.payload, 'UTF8')));
            get diagnostics added = row_count;
            if added <> cardinality(payloads) then
                raise exception 'a leaf is not the hash of its payload and salt'
                    using errcode = 'invalid_parameter_value';
            end if;
            return first_index;
        end $$;
        revoke all on function log_append(text[], bytea[], bytea[]) from public;
    """)
    op.execute("""
        -- What a door may do: append through the one function, and read. Roles belong to the whole server, so another
        -- database of it may have made this one already, or be making it now.
        do $$ begin
            create role whosaw_door nologin;
        exception when duplicate_object or unique_violation then
            null;
        end $$;
        grant execute on function log_append(text[], bytea[], bytea[]) to whosaw_door;
        grant select on trail_entry, trail_head, trail_checkpoint to whosaw_door;
    """)


def downgrade() -> None:
    # the role stays: it belongs to the server, not to this database
    op.execute("""
        drop function log_append(text[], bytea[], bytea[]);
        drop table trail_checkpoint;
        drop table trail_head;
        drop table trail_entry;
        drop function trail_append_only();
    """)
