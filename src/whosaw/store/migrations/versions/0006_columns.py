"""The search columns of an entry, filled by the append itself with one reading of the payload.

Generated columns read the payload's text again for each column, which was more than half of what an entry cost the
server. They are plain columns now, and nothing but `log_append` fills them; the fences below keep them as they were
written, and `fsck` compares them with the payload.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

# The bytes before what is hashed: 0x00 ‖ "whosaw/entry/v1\n" and "whosaw/commitment/v1\n" (whosaw.prove.canonical).
_LEAF_START = "0077686f7361772f656e7472792f76310a"
_COMMITMENT_DOMAIN = "77686f7361772f636f6d6d69746d656e742f76310a"

# column → (its type, its name in the payload)
_COLUMNS = {
    "kind": ("text", "kind"),
    "at_us": ("bigint", "at"),
    "actor": ("bigint", "actor"),
    "subject": ("bigint", "subject"),
    "purpose": ("bigint", "purpose"),
    "beneficiary": ("text", "beneficiary"),
}


def upgrade() -> None:
    # values that are there stay; the text of an entry and its columns live and die together
    op.execute(f"""
        alter table trail_entry
            {", ".join(f"alter column {column} drop expression" for column in _COLUMNS)},
            add constraint trail_entry_columns_die
                check (payload is not null or num_nonnulls({", ".join(_COLUMNS)}) = 0);
    """)
    said = ", ".join(f"{name} {kind}" for kind, name in _COLUMNS.values())
    op.execute(
        _log_append(
            more_columns=f", {', '.join(_COLUMNS)}",
            more_values="".join(f", said.{name}" for _, name in _COLUMNS.values()),
            more_source=f", json_to_record(batch.payload::json) as said({said})",
        )
    )
    op.execute(_only_erase("".join(f"new.{column} = null; " for column in _COLUMNS)))


def downgrade() -> None:
    op.execute(_log_append(more_columns="", more_values="", more_source=""))
    op.execute(_only_erase(""))
    generated = (
        f"add column {column} {kind} generated always as ((payload::json ->> '{name}')::{kind}) stored"
        for column, (kind, name) in _COLUMNS.items()
    )
    op.execute(f"""
        alter table trail_entry
            drop constraint trail_entry_columns_die,
            {", ".join(f"drop column {column}" for column in _COLUMNS)};
        alter table trail_entry {", ".join(generated)};
        create index trail_entry_subject_at on trail_entry (subject, at_us);
        create index trail_entry_actor_at on trail_entry (actor, at_us);
        create index trail_entry_at on trail_entry using brin (at_us);
    """)


def _log_append(*, more_columns: str, more_values: str, more_source: str) -> str:
    """Return the one way to append, with or without columns to fill."""
    return f"""
        -- set_config in the body, not a SET clause: a clause is undone when the function returns, before the commit.
        create or replace function log_append(payloads text[], salts bytea[], leaves bytea[]) returns bigint
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
            insert into public.trail_entry (index, leaf, salt, payload{more_columns})
            select first_index + batch.n - 1, batch.leaf, batch.salt, batch.payload{more_values}
            from unnest(leaves, salts, payloads) with ordinality as batch(leaf, salt, payload, n){more_source}
            where batch.leaf = sha256('\\x{_LEAF_START}'::bytea
                || sha256('\\x{_COMMITMENT_DOMAIN}'::bytea || batch.salt || convert_to(batch.payload, 'UTF8')));
            get diagnostics added = row_count;
            if added <> cardinality(payloads) then
                raise exception 'a leaf is not the hash of its payload and salt'
                    using errcode = 'invalid_parameter_value';
            end if;
            return first_index;
        end $$;
    """


def _only_erase(with_it: str) -> str:
    """Return the tripwire of updates: the one it lets through takes an announced entry's payload, salt and columns."""
    return f"""
        create or replace function trail_only_erase() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as $$
        begin
            if new.payload is null and new.salt is null and new.leaf = old.leaf and new.index = old.index
                    and current_setting('whosaw.erasing', true) = 'on'
                    and exists (select from public.trail_erased e where e.index = old.index) then
                {with_it}return new;
            end if;
            raise exception 'the trail is append-only' using errcode = 'insufficient_privilege';
        end $$;
    """
