"""The mutants: each takes one protection away, by one replacement in one file, and names the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

APPEND = "tests/store/test_trail_append.py"
INTEGRATE = "tests/store/test_trail_integrate.py"
FENCES = "tests/store/test_trail_fences.py"
FSCK = "tests/store/test_trail_fsck.py"
FAULTS = "tests/store/test_fault_table.py"
CANONICAL = "tests/unit/prove/test_prove_canonical.py"
MERKLE = "tests/unit/prove/test_prove_merkle.py"
NOTE = "tests/unit/prove/test_prove_note.py"
RECEIPT = "tests/unit/prove/test_prove_receipt.py"
POLICY = "tests/unit/prove/test_prove_policy.py"
BUNDLE = "tests/unit/prove/test_prove_bundle.py"
JOURNAL = "tests/unit/record/test_record_journal.py"
KEYS = "tests/unit/record/test_record_keys.py"
TOKENS = "tests/store/test_tokens.py"
GATE = "tests/store/test_gate.py"
ORDER = "tests/store/test_gate_order.py"
GUARD = "tests/store/test_guard.py"
WITNESS = "tests/unit/record/test_witness_server.py"
DENY = "tests/unit/decide/test_default_deny.py"
PURPOSE = "tests/unit/decide/test_purpose.py"
EMBEDDED = "tests/store/test_embedded.py::test_a_server_that_may_lose_what_it_committed_is_refused"
ERASURE = "tests/store/test_erasure.py"
COLUMNS = "tests/store/test_trail_columns.py"
EXPOSURE = "tests/store/test_trail_exposure.py"
RECHECK = "tests/unit/record/test_record_recheck.py"
APPROVAL = "tests/unit/gate/test_approval.py"
GRANTS = "tests/store/standing/test_grants.py"
SENDING = "tests/store/standing/test_alertsending.py"
WEBHOOK = "tests/unit/gate/test_webhook_signature.py"
FRICTION = "tests/store/test_friction.py"
CASE_PAGES = "tests/store/test_case_pages.py"
CASE_TRACE = "tests/store/test_case_trace.py"


@dataclass(frozen=True)
class Mutant:
    """One protection taken away.

    Attributes:
        name: what is gone.
        file: under src/whosaw.
        old: text that occurs exactly once in the file.
        new: what takes its place.
        tests: files, or files::tests, one of which must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = [
    # what is hashed and signed
    Mutant(
        "salts are all the same",
        "record/appender.py",
        "drawn = os.urandom(SALT_BYTES * len(entries))",
        "drawn = bytes(SALT_BYTES * len(entries))",
        (APPEND,),
    ),
    Mutant(
        "the salt is left out of the commitment",
        "prove/canonical.py",
        "return sha256(_LEAF_START + sha256(COMMITMENT_DOMAIN + salt + raw).digest()).digest()",
        "return sha256(_LEAF_START + sha256(COMMITMENT_DOMAIN + raw).digest()).digest()",
        (APPEND, CANONICAL),
    ),
    Mutant(
        "canonical accepts other spellings and doubled names",
        "prove/canonical.py",
        'if not isinstance(payload, dict) or canonical(cast("Payload", payload)) != raw:',
        "if not isinstance(payload, dict):",
        (CANONICAL,),
    ),
    Mutant(
        "canonical takes true for one",
        "prove/canonical.py",
        "if type(value) is not int:",
        "if not isinstance(value, int):",
        (CANONICAL,),
    ),
    Mutant(
        "leaves and nodes are hashed alike",
        "prove/merkle.py",
        'return sha256(b"\\x01" + left + right).digest()',
        'return sha256(b"\\x00" + left + right).digest()',
        (MERKLE,),
    ),
    Mutant(
        "an inclusion proof is not compared with the root",
        "prove/merkle.py",
        "    if found != root:",
        "    if False:",
        (MERKLE,),
    ),
    Mutant(
        "a consistency proof is not compared with the old root",
        "prove/merkle.py",
        "if old_found != old[1] or new_found != new[1]:",
        "if new_found != new[1]:",
        (MERKLE,),
    ),
    Mutant(
        "a bad signature of a known key is passed over",
        "prove/note.py",
        '                raise NoteInvalid(f"the signature of `{line.name[:80]}` does not verify")',
        "                continue",
        (NOTE,),
    ),
    Mutant(
        "a receipt's signature is not checked",
        "prove/receipt.py",
        "if not key.verifies(message, receipt.signature):",
        "if False:",
        (RECEIPT,),
    ),
    Mutant(
        "a receipt may be about another entry",
        "prove/receipt.py",
        "if leaf_hash is not None and leaf_hash != receipt.leaf_hash:",
        "if False:",
        (RECEIPT,),
    ),
    Mutant(
        "the quorum of witnesses is not asked for",
        "prove/policy.py",
        "if self.quorum != NONE and not self._holds(self.quorum, signed):",
        "if False:",
        (POLICY,),
    ),
    Mutant(
        "one witness is enough for any group",
        "prove/policy.py",
        "for member in group.members) >= group.threshold",
        "for member in group.members) >= 1",
        (POLICY,),
    ),
    Mutant(
        "files of a bundle are not compared with its manifest",
        "prove/bundle.py",
        '            raise BundleInvalid(f"`{name}` was altered: its SHA-256 is not the one in `{MANIFEST}`")',
        "            pass",
        (BUNDLE, "tests/property/test_prove_bundle_flips.py"),
    ),
    # what is durable, and in which order
    Mutant(
        "the receipt is given before the commit",
        "record/appender.py",
        "        return Committed(await queries.append(self._db, raws, salts, leaves), leaves, {})\n",
        "        self._later = asyncio.ensure_future(queries.append(self._db, raws, salts, leaves))\n"
        "        return Committed(0, leaves, {})\n",
        (APPEND,),
    ),
    Mutant(
        "a journal that fails is passed over",
        "record/appender.py",
        "cause = None if kept is None else kept.exception()",
        "cause = None",
        (APPEND,),
    ),
    Mutant(
        "the journal is not flushed",
        "record/journal.py",
        "            os.fsync(self._handle)\n",
        "",
        (FAULTS,),
    ),
    Mutant(
        "an unfinished line stays in the journal",
        "record/journal.py",
        "            os.ftruncate(self._handle, self._size)\n        except OSError:\n            self._broken = True",
        "            pass\n        except OSError:\n            self._broken = True",
        (FAULTS, JOURNAL),
    ),
    Mutant(
        "two processes may write one journal",
        "record/journal.py",
        "            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        (JOURNAL,),
    ),
    Mutant(
        "the head row is not locked by an append",
        "store/migrations/versions/0006_columns.py",
        "update public.trail_head set size = size + added returning size - added into strict first_index;",
        "select size into strict first_index from public.trail_head; "
        "update public.trail_head set size = first_index + added;",
        (FENCES,),
    ),
    Mutant(
        "an append commits as lazily as its session",
        "store/migrations/versions/0006_columns.py",
        "set_config('synchronous_commit', 'on', true), ",
        "",
        (APPEND,),
    ),
    Mutant(
        "a numbered append commits as lazily as its session",
        "store/migrations/versions/0025_short_statements.py",
        "set_config('synchronous_commit', 'on', true) || ",
        "",
        (f"{APPEND}::test_the_numbered_append_is_flushed_too",),
    ),
    Mutant(
        "numbers that known keys did not need are lost",
        "store/migrations/versions/0025_short_statements.py",
        "if v_last is distinct from v_end then",
        "if false then",
        (f"{APPEND}::test_known_keys_use_up_no_numbers_whatever_their_order",),
    ),
    Mutant(
        "a frozen holder of the head row is waited for",
        "store/migrations/versions/0006_columns.py",
        "set_config('lock_timeout', '1500ms', true)",
        "set_config('lock_timeout', '6s', true)",
        (FENCES,),
    ),
    Mutant(
        "the server does not check leaves",
        "store/migrations/versions/0006_columns.py",
        "where batch.leaf = sha256(",
        "where true or batch.leaf = sha256(",
        (APPEND,),
    ),
    Mutant(
        "the tripwire lets updates through",
        "store/migrations/versions/0005_erasure.py",
        "for each row execute function trail_only_erase()",
        "for each row when (false) execute function trail_only_erase()",
        (APPEND,),
    ),
    Mutant(
        "the tripwire lets deletions through",
        "store/migrations/versions/0005_erasure.py",
        "before delete or truncate on trail_entry",
        "before truncate on trail_entry",
        (APPEND,),
    ),
    Mutant(
        "payloads may die without an entry that announces it",
        "store/migrations/versions/0005_erasure.py",
        "raise exception 'no entry announces this erasure' using errcode = 'insufficient_privilege';",
        "null;",
        (ERASURE,),
    ),
    Mutant(
        "the server erases what a legal hold protects",
        "store/migrations/versions/0005_erasure.py",
        "raise exception 'a legal hold stands' using errcode = 'insufficient_privilege';",
        "null;",
        (FENCES,),
    ),
    Mutant(
        "unsafe settings of the server are not refused",
        "store/database.py",
        "        if unsafe:",
        "        if False:",
        (EMBEDDED,),
    ),
    Mutant(
        "the database is believed about numbered entries",
        "record/appender.py",
        '        if b"".join(leaves) != stored:\n',
        "        if False:\n",
        (APPEND,),
    ),
    Mutant(
        "the queue has no end",
        "record/appender.py",
        "if self._queued + len(entries) > self._limits.queue_entries:",
        "if False:",
        (APPEND,),
    ),
    Mutant(
        "a key file may be open to others",
        "record/keys.py",
        "found.st_mode & _WIDER_THAN_OWNER",
        "found.st_mode & 0",
        (KEYS,),
    ),
    # what the integrator signs
    Mutant(
        "the integrator signs without comparing the root",
        "record/integrator.py",
        "if self._signed and tree.range.root() != self._signed.root:",
        "if False:",
        (INTEGRATE,),
    ),
    Mutant(
        "the integrator does not compare the last leaf",
        "record/integrator.py",
        "if not last or last[0][1] != tree.last_leaf:",
        "if not last:",
        (INTEGRATE,),
    ),
    Mutant(
        "a smaller tree is not noticed",
        "record/integrator.py",
        "        if head < size:",
        "        if False:",
        (INTEGRATE,),
    ),
    Mutant(
        "the checkpoint is not flushed",
        "terms/durable.py",
        "        os.fsync(file.fileno())",
        "        pass",
        (FAULTS,),
    ),
    Mutant(
        "the folder is not flushed",
        "terms/durable.py",
        "    sync_folder(path.parent)",
        "    pass",
        (FAULTS,),
    ),
    Mutant(
        "the checkpoint is written in place",
        "terms/durable.py",
        "fresh = path.with_name(path.name + draft)",
        "fresh = path",
        (FAULTS,),
    ),
    Mutant(
        "fsck does not hash the payload again",
        "record/recheck.py",
        'if b"".join(found) != leaves:',
        "if False:",
        (f"{FSCK}::test_an_altered_payload_is_located", RECHECK),
    ),
    Mutant(
        "fsck takes rows that are not whole for a block",
        "record/auditrows.py",
        "if rows != whole or _ints",
        "if _ints",
        (RECHECK,),
    ),
    Mutant(
        "fsck takes rows with a hole for a block",
        "record/auditrows.py",
        "if rows != whole or _ints(indices) != tuple(range(first, first + rows)):",
        "if rows != whole:",
        (RECHECK, f"{FSCK}::test_a_removed_row_is_located"),
    ),
    Mutant(
        "a text without an end hides the entry behind it from fsck",
        "record/recheck.py",
        "if len(parts) != TEXT_LINES * len(plain) - (TEXT_LINES - 1) * matched:",
        "if False:",
        (RECHECK,),
    ),
    Mutant(
        "fsck passes over bytes that have two spellings",
        "record/recheck.py",
        "if len(lines.translate(None, _OUTSIDE)) + max(0, len(texts) - 1) != len(lines):",
        "if False:",
        (RECHECK,),
    ),
    # who is let in, and what he is shown
    Mutant(
        "the token's secret is not compared",
        "gate/tokens.py",
        " or not hmac.compare_digest(row[1], _hash(form[2]))",
        "",
        (TOKENS,),
    ),
    Mutant(
        "a revoked token is good",
        "gate/tokens.py",
        " or row[2] is not None",
        "",
        (TOKENS,),
    ),
    Mutant(
        "suspensions are not read",
        "store/migrations/versions/0012_by_key.py",
        "exists (select from public.gate_suspension s where s.actor = k.key) as suspended,",
        "false as suspended,",
        (GATE,),
    ),
    Mutant(
        "somebody suspended stands plainly",
        "store/migrations/versions/0025_short_statements.py",
        "where (select s.actor from public.gate_suspension s where s.actor = w.key) is not null",
        "where false",
        (GATE,),
    ),
    Mutant(
        "observe mode reveals to somebody suspended",
        "decide/facts.py",
        "        return self.suspended or self.ended",
        "        return self.ended",
        (DENY, GATE),
    ),
    Mutant(
        "observe mode reveals to somebody who left",
        "decide/facts.py",
        "        return self.suspended or self.ended or",
        "        return self.suspended or",
        (DENY, GATE),
    ),
    Mutant(
        "whoever is suspended or gone is stopped by the policies alone",
        "decide/policy.py",
        " and not question.actor.barred",
        "",
        (DENY,),
    ),
    Mutant(
        "work made for oneself counts",
        "decide/purpose.py",
        '    if item.made_by(actor):\n        return "purpose.self_made"\n',
        "",
        (PURPOSE,),
    ),
    Mutant(
        "work for another subject counts",
        "decide/purpose.py",
        '    if subject is not None and item.subject != subject:\n        return "purpose.other_subject"\n',
        "",
        (PURPOSE,),
    ),
    Mutant(
        "values are fetched before the entry is durable",
        "gate/disclosing.py",
        "        durable = await self._parts.appender.commit([disclosed(each, numbers) for each in judged])\n",
        "        await self._fetcher.rows((each.ask.subject, each.decision) for each in judged)\n"
        "        durable = await self._parts.appender.commit([disclosed(each, numbers) for each in judged])\n",
        (ORDER,),
    ),
    # what closes the door, and what a witness refuses
    Mutant(
        "the guard is not asked",
        "record/appender.py",
        "            await self._guard.check()",
        "            pass",
        (f"{GUARD}::test_a_key_that_is_gone_or_open_to_others_closes_the_door",),
    ),
    Mutant(
        "a clock behind the last entry is let pass",
        "record/guard.py",
        "        if behind_s > self._bounds.clock_behind_s:",
        "        if False:",
        (f"{GUARD}::test_a_clock_behind_the_last_entry_closes_the_door_until_it_is_right",),
    ),
    Mutant(
        "a stuck integrator is waited for without end",
        "record/guard.py",
        "        if waited_s > self._bounds.unsigned_s:",
        "        if False:",
        (f"{GUARD}::test_an_integrator_that_is_stopped_closes_the_door_until_it_goes_on",),
    ),
    Mutant(
        "a trail shorter than it was is appended to",
        "record/guard.py",
        "            if reading.size < least:",
        "            if False:",
        (f"{GUARD}::test_a_database_put_back_to_an_older_state_closes_the_door",),
    ),
    Mutant(
        "a witness takes any old size",
        "record/witness/server.py",
        "    if asked.old != known[0]:",
        "    if False:",
        (WITNESS,),
    ),
    Mutant(
        "an erasure leaves the columns",
        "store/migrations/versions/0006_columns.py",
        '_only_erase("".join(f"new.{column} = null; " for column in _COLUMNS))',
        '_only_erase("")',
        (f"{COLUMNS}::test_an_erasure_takes_the_columns_with_the_payload",),
    ),
    Mutant(
        "a column may outlive its payload",
        "store/migrations/versions/0006_columns.py",
        'num_nonnulls({", ".join(_COLUMNS)}) = 0)',
        'num_nonnulls({", ".join(_COLUMNS)}) >= 0)',
        (f"{COLUMNS}::test_no_column_outlives_the_payload_even_without_the_tripwire",),
    ),
    Mutant(
        "fsck compares no columns where all else is right",
        "record/recheck.py",
        """columns = f"\\\\n{numbers}\\\\n{said['beneficiary']}$\"""",
        'columns = "\\\\n[^\\\\n]*\\\\n[^\\\\n]*$"',
        (RECHECK,),
    ),
    Mutant(
        "an entry may say another number than its set holds",
        "store/migrations/versions/0007_exposure.py",
        "            if not found then",
        "            if false then",
        (f"{EXPOSURE}::test_an_entry_cannot_name_a_set_that_is_not_there_or_holds_another_number",),
    ),
    Mutant(
        "a set is kept as lazily as its session",
        "store/migrations/versions/0007_exposure.py",
        "            perform set_config('synchronous_commit', 'on', true);\n",
        "",
        (f"{EXPOSURE}::test_a_set_is_on_disk_before_it_is_answered_even_where_the_session_turned_that_off",),
    ),
    Mutant(
        "a set outlives its payload",
        "store/migrations/versions/0007_exposure.py",
        "delete from public.trail_exposed r where r.index = new.index returning r.hash into v_hash;",
        "null;",
        (f"{EXPOSURE}::test_a_set_dies_with_the_payload_that_names_it",),
    ),
    Mutant(
        "the database lets a held set die",
        "store/migrations/versions/0007_exposure.py",
        "h.lifted_at is null and h.space = 'subject'",
        "false",
        (f"{EXPOSURE}::test_the_database_itself_keeps_a_held_set",),
    ),
    Mutant(
        "pruning overlooks a hold on one in a set",
        "record/erasurequeries.py",
        "        where r.index = e.index and h.lifted_at",
        "        where false and h.lifted_at",
        (f"{EXPOSURE}::test_a_hold_on_one_in_the_set_keeps_it_and_a_hold_on_another_does_not",),
    ),
    Mutant(
        "a set is swept before its entry can come",
        "store/migrations/versions/0007_exposure.py",
        "where x.stored_at < clock_timestamp() - interval '1 day'",
        "where true",
        (f"{EXPOSURE}::test_only_sets_that_nothing_names_after_a_day_are_swept",),
    ),
    Mutant(
        "sets have no salt",
        "record/exposure.py",
        "os.urandom(SALT_BYTES)",
        "bytes(SALT_BYTES)",
        (f"{EXPOSURE}::test_only_sets_that_nothing_names_after_a_day_are_swept",),
    ),
    Mutant(
        "fsck does not hash sets",
        "record/namedsets.py",
        "if exposure_hash(salt, raw) != named:",
        "if False:",
        (f"{EXPOSURE}::test_what_is_done_to_a_set_is_found_and_located",),
    ),
    Mutant(
        "fsck does not count sets",
        "record/namedsets.py",
        "if {said, counted} != {len(numbers)}:",
        "if False:",
        (f"{EXPOSURE}::test_what_is_done_to_a_set_is_found_and_located",),
    ),
    Mutant(
        "a resumed fsck passes over sets",
        "record/auditqueries.py",
        '(*ACTOR_MEMBERS, "exposure")',
        "ACTOR_MEMBERS",
        (
            f"{EXPOSURE}::test_what_is_done_to_a_set_is_found_and_located",
            f"{EXPOSURE}::test_a_trail_with_a_whole_set_has_no_findings",
        ),
    ),
    Mutant(
        "a bundle's sets are not checked",
        "prove/bundle_entries.py",
        "check_exposure(payload, sealed)",
        "pass",
        (f"{EXPOSURE}::test_an_entry_of_a_set_is_proved_and_verified_offline_with_it",),
    ),
    Mutant(
        "a bundle may hold a set that nobody names",
        "prove/bundle_entries.py",
        "    if unnamed:",
        "    if False:",
        (f"{EXPOSURE}::test_an_entry_of_a_set_is_proved_and_verified_offline_with_it",),
    ),
    # what people ask of one another
    Mutant(
        "somebody decides about himself",
        "gate/approval.py",
        "    if approver.key == pending.holder or approver.key in pending.concerns:",
        "    if False:",
        (APPROVAL,),
    ),
    Mutant(
        "two people approve each other",
        "gate/approval.py",
        "    if approver.approved_by_holder_at is not None and at - approver.approved_by_holder_at < CIRCLE:",
        "    if False:",
        (APPROVAL,),
    ),
    Mutant(
        "who was made a minute ago approves",
        "gate/approval.py",
        "    if approver.changed_at is None or at - approver.changed_at < SETTLED:",
        "    if False:",
        (APPROVAL,),
    ),
    Mutant(
        "two of one function stand for two functions",
        "gate/approval.py",
        "if each.approves} if pending.distinct else set()",
        "if each.approves} if False else set()",
        (APPROVAL,),
    ),
    Mutant(
        "approvals are not decided one at a time",
        "gate/approvalqueries.py",
        '        await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])',
        "        pass",
        (f"{GRANTS}::test_whoever_decides_waits_while_another_decision_is_being_made",),
    ),
    Mutant(
        "one approval is enough for what needs two",
        "gate/grants.py",
        "            elif sum(each.approves for each in grant.given) + 1 >= grant.approvals:",
        "            else:",
        (f"{GRANTS}::test_to_unmask_somebody_takes_two_people_of_different_functions_and_never_himself",),
    ),
    Mutant(
        "a second person's word is good for any ask",
        "gate/standing.py",
        "            fits = each.digest == digest and each.target == target",
        "            fits = each.target == target",
        ("tests/store/standing/test_standing.py::test_a_second_persons_word_is_about_one_action_one_ask_one_actor",),
    ),
    Mutant(
        "a second person's word is not used up",
        "gate/bulk.py",
        "            withheld = not await standingqueries.consume(self._parts.db, second.id, holder, ask.at)",
        "            withheld = False",
        ("tests/store/test_bulk.py::test_a_second_persons_word_opens_exactly_this_ask_and_once",),
    ),
    Mutant(
        "a safety suspension is lifted by one",
        "store/migrations/versions/0009_standing.py",
        "                if old.kind = 'safety' and not exists (",
        "                if false and not exists (",
        (
            "tests/store/standing/test_standing.py"
            "::test_the_database_refuses_to_lift_a_safety_suspension_on_one_persons_word",
        ),
    ),
    Mutant(
        "a suspension leaves grants in force",
        "store/migrations/versions/0009_standing.py",
        "            perform public.standing_void(new.actor, new.since);",
        "            null;",
        ("tests/store/standing/test_suspension.py",),
    ),
    Mutant(
        "what nobody waits for any longer goes on in the database",
        "store/line.py",
        "                await self.connection.cancel_safe(timeout=_CANCEL_S)\n",
        "                pass\n",
        ("tests/store/test_line.py::test_what_nobody_waits_for_any_longer_ends_on_the_server",),
    ),
    Mutant(
        "an acknowledgement holds for ever",
        "store/migrations/versions/0012_by_key.py",
        " and a.at > p_since",
        " and (a.at > p_since or true)",
        ("tests/store/standing/test_conduct.py",),
    ),
    # what must not stay quiet
    Mutant(
        "glass breaks without a sound",
        "gate/glass.py",
        '            await raise_alert(connection, "break_glass", "high", "glass.broken", told, at=at)',
        "            pass",
        ("tests/store/standing/test_glass.py::test_it_opens_at_once_for_its_classes_subject_and_minutes_and_is_loud",),
    ),
    Mutant(
        "the duty to tell is forgotten",
        "gate/disclosing.py",
        "        await self._parts.notifying.tell(allowed, max(each.ask.at for each in judged))",
        "        pass",
        ("tests/store/test_notify.py",),
    ),
    Mutant(
        "two senders take the same post",
        "store/alertposts.py",
        "set attempts = attempts + 1, due_at = %(until)s ",
        "set attempts = attempts + 1, due_at = least(due_at, %(until)s) ",
        (f"{SENDING}::test_whoever_took_a_post_and_died_leaves_it_to_the_next_after_the_lease",),
    ),
    Mutant(
        "what a receiver refuses counts as taken",
        "app/alertsending.py",
        "        if not answer.is_success:",
        "        if False:",
        (f"{SENDING}::test_what_is_not_taken_is_tried_again_later_each_time_and_never_given_up",),
    ),
    Mutant(
        "an old message is taken again",
        "store/webhook.py",
        "    if abs(now_s - timestamp_s) > REPLAY_S:",
        "    if False:",
        (WEBHOOK,),
    ),
    Mutant(
        "any signature will do",
        "store/webhook.py",
        "    if not any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given):",
        "    if False:",
        (WEBHOOK,),
    ),
    # budgets
    Mutant(
        "a budget lets one more through",
        "store/migrations/versions/0033_misses_refused.py",
        "v_counts[w] + v_adds[w] > u.hard[w] then",
        "v_counts[w] + v_adds[w] > u.hard[w] + 1 then",
        ("tests/store/test_budgets.py",),
    ),
    Mutant(
        "finds beyond the budget are named",
        "gate/lookups.py",
        "units.append(Unit(ask.actor, found_by(ask.lookup), finds, amount=0, stated=ask.stated is not None))",
        "pass",
        ("tests/store/test_lookups_shipped.py",),
    ),
    Mutant(
        "the widest of several budgets holds",
        "gate/budgets.py",
        "min(hard, default=None)",
        "max(hard, default=None)",
        ("tests/store/test_budgets.py::test_a_changed_budget_or_role_holds_with_the_next_ask",),
    ),
    # what the gate notices while people ask
    Mutant(
        "whoever is held up is answered all the same",
        "gate/friction.py",
        "return refused(decision, REASONS[hold.step])",
        "return decision",
        (f"{FRICTION}::test_a_budget_half_spent_within_minutes_asks_for_a_reason_at_once_and_is_recorded",),
    ),
    Mutant(
        "the touch of a canary is answered otherwise",
        "gate/friction.py",
        """            found.append(replace(each, decision=self._held(each.ask, each.decision)))
            if not each.facts.borne_out and str(each.ask.subject) in self._canaries:
                await self._begin(CANARY, asker, each.ask)
""",
        """            if not each.facts.borne_out and str(each.ask.subject) in self._canaries:
                await self._begin(CANARY, asker, each.ask)
            found.append(replace(each, decision=self._held(each.ask, each.decision)))
""",
        (f"{FRICTION}::test_a_touched_canary_answers_like_any_other_and_shows_with_the_next_ask",),
    ),
    Mutant(
        "repeated signs stop somebody whom the operator would not have stopped",
        "gate/friction.py",
        "max(STEPS.index(first), STEPS.index(most))",
        "len(STEPS) - 1",
        (f"{FRICTION}::test_it_ends_by_itself_and_a_second_sign_within_a_day_leads_to_a_second_person",),
    ),
    Mutant(
        "a killed run enters everything again",
        "app/watchentries.py",
        "return before.pop(0) if before else await",
        "return await",
        (
            "tests/store/test_watch_day.py::test_a_run_that_is_killed_between_its_entries_and_its_commit_doubles_nothing",
        ),
    ),
    # what a case does to people
    Mutant(
        "a hold is lifted before whoever asked to be erased was told",
        "record/hold.py",
        'if space == "subject" and hold.erasure_asked_at is not None and hold.told_at is None:',
        "if False:",
        ("tests/store/test_hold.py",),
    ),
    Mutant(
        "a case lifts its holds on whoever asked to be erased untold",
        "app/casepreserve.py",
        'elif hold.space == "subject" and hold.erasure_asked_at and not hold.told_at:',
        "elif False:",
        (f"{CASE_PAGES}::test_ending_the_holds_of_a_case_tells_first_whoever_asked_to_be_erased",),
    ),
    Mutant(
        "whoever has left is warned and suspended all the same",
        "answer/rules.py",
        "if RULES[kind].works_here and (since := await gone(target)) is not None:",
        "if (since := await gone(target)) is not None and not since:",
        (f"{CASE_PAGES}::test_whoever_has_left_is_no_target_of_a_measure_at_work",),
    ),
    Mutant(
        "the second large export within a month is quiet",
        "gate/notifying.py",
        "at - timedelta(days=_EXPORTS_DAYS)) < _EXPORTS_FROM:",
        "at - timedelta(days=_EXPORTS_DAYS)) >= 0:",
        ("tests/scenarios/test_story_export.py",),
    ),
    Mutant(
        "somebody hears of a case before its records are held",
        "answer/steps.py",
        "                await self._desk.check_preserved(step.case)\n",
        "                pass\n",
        (f"{CASE_PAGES}::test_nobody_hears_of_a_case_before_what_it_stands_on_is_kept",),
    ),
    Mutant(
        "a suspect sees his case in the console",
        "app/casereads.py",
        "        except (StepRefused, UnknownCase):\n            return False\n",
        "        except (StepRefused, UnknownCase):\n            return True\n",
        (f"{CASE_PAGES}::test_a_suspect_his_manager_and_who_was_not_named_learn_of_no_case",),
    ),
    Mutant(
        "the console names people by their keys",
        "app/casereads.py",
        "return erased | {key: names[number] for key, number in numbers.items()}",
        "return erased | {key: key for key, number in numbers.items()}",
        (f"{CASE_PAGES}::test_people_on_a_page_are_numbers_until_two_functions_unmask_one",),
    ),
    Mutant(
        "nobody keeps to whom the console showed a suspect",
        "app/casereads.py",
        "await self._work.corrections.shown(case, viewer, [shown[key] for key in suspected])",
        "await self._work.corrections.shown(case, viewer, [])",
        (f"{CASE_PAGES}::test_who_was_shown_an_accusation_in_the_browser_is_told_when_it_fell",),
    ),
    Mutant(
        "a suspension is quiet",
        "gate/suspension.py",
        "if since is not None:",
        "if False:",
        (
            "tests/store/standing/test_suspension.py::"
            "test_it_ends_grants_glass_and_sign_ins_and_lifting_it_gives_none_back",
        ),
    ),
    Mutant(
        "a trail without its witnesses is quiet",
        "app/alertwitness.py",
        'elif state.status == "unwitnessed" or silent >= _ROUNDS:',
        "elif False:",
        ("tests/store/standing/test_alert_witness.py",),
    ),
    Mutant(
        "which conflict somebody has is told, and so who is suspected",
        "answer/conflicts.py",
        """        if person in suspects:
            raise conflict()""",
        """        if person in suspects:
            raise StepRefused("conflict", "he is under suspicion")""",
        (f"{CASE_PAGES}::test_a_suspect_his_manager_and_who_was_not_named_learn_of_no_case",),
    ),
    Mutant(
        "a picture keeps the place where it was taken",
        "doors/complaint/pictures.py",
        "if not (0xE1 <= marker <= 0xEF or marker == 0xFE):",
        "if True:",
        ("tests/unit/doors/test_pictures.py",),
    ),
    Mutant(
        "whoever worked on the same as a leaker is named beside him",
        "trace/rungs.py",
        "        if beside:\n",
        "        if False and beside:\n",
        (
            "tests/scenarios/test_story_attribution.py::"
            "test_a_team_lead_who_reviewed_the_leaker_and_by_chance_opened_the_rest_is_not_named_beside_him",
        ),
    ),
    Mutant(
        "every complainer whom one question showed is one more coincidence",
        "trace/view.py",
        "        asked = asked_in_one_go(index, question.context, evidence) if matched else ()\n",
        "        asked = ()\n",
        ("tests/unit/trace/test_bulk.py",),
    ),
    Mutant(
        "pages of one question are questions of their own",
        "trace/bulk.py",
        "if pages and his.at_us[start] - his.at_us[pages[-1][-1]] > PAGE_US:",
        "if pages:",
        ("tests/unit/trace/test_bulk.py",),
    ),
    Mutant(
        "a source outside holds canaries that a question showed",
        "trace/duties.py",
        "known if at < explaining else known[marks.odds[known] <= GUESSABLE_ODDS]",
        "known",
        ("tests/unit/trace/test_bulk.py",),
    ),
    Mutant(
        "a list of every night is a question for itself each time",
        "trace/bulk.py",
        "    if len(questions) > 1:\n",
        "    if False:\n",
        ("tests/unit/trace/test_bulk.py",),
    ),
    Mutant(
        "a further name bets as though nobody had been named",
        "trace/beyond.py",
        "    free = np.maximum(1.0 - share[0][:, named].sum(axis=1), 0.0)\n",
        "    free = np.ones(int(left.sum()))\n",
        ("tests/unit/trace/test_beyond.py",),
    ),
    Mutant(
        "a verdict that nobody asked for is a finding although hand-overs were not weighed",
        "app/casetrace.py",
        "    capped = alone and not whole\n",
        "    capped = False\n",
        (f"{CASE_TRACE}::test_a_batch_is_weighed_once_and_alone_it_says_lead_at_most",),
    ),
    Mutant(
        "a table that is declared and empty counts as weighed",
        "app/tracedeclared.py",
        "        return all(self.rows.get(name) for name in {*CLEARING, *self.rows})\n",
        "        return not self._absent()\n",
        (f"{CASE_TRACE}::test_each_thing_that_was_not_weighed_keeps_a_server_from_finding",),
    ),
    Mutant(
        "a server names whom an answer of the case clears",
        "app/casecaution.py",
        "        if items and alone and each[",
        "        if items and not alone and each[",
        ("tests/unit/app/test_casecaution.py",),
    ),
    Mutant(
        "a verdict that people overtook is kept",
        "app/casetrace.py",
        "        if by is None:\n            cleared",
        "        if by is not None:\n            cleared",
        (f"{CASE_TRACE}::test_what_people_do_while_a_server_computes_is_not_overtaken",),
    ),
    Mutant(
        "who came under suspicion while a verdict was computed adds it all the same",
        "app/casetrace.py",
        "        await work.desk.check(case, by)",
        "        pass",
        (f"{CASE_TRACE}::test_whoever_comes_under_suspicion_meanwhile_adds_no_verdict",),
    ),
    Mutant(
        "a row of duties that means nothing is passed over",
        "app/tracedeclared.py",
        '    if why := next((said for row in rows if (said := wrong_in(name, row))), ""):\n',
        '    if why := "":\n',
        (f"{CASE_TRACE}::test_a_row_that_means_nothing_stops_the_verdict",),
    ),
    Mutant(
        "complainers with work are set beside customers who never caused any",
        "app/casetracecompared.py",
        "        if int(alike.sum()) <= FEWEST:\n",
        "        if int(alike.sum()) < 0:\n",
        (
            "tests/store/test_case_trace_customers.py::"
            "test_a_small_sellers_agent_is_no_suspect_because_others_never_had_work",
        ),
    ),
    Mutant(
        "the team that has a ticket now is the route of who complains",
        "app/watchlake.py",
        "    worked = [*(replace(each, route=None) for each in worked), *others.worked]\n",
        "    worked = [*worked, *others.worked]\n",
        ("tests/store/test_case_trace_customers.py::test_the_team_that_has_a_ticket_now_is_nobodys_route",),
    ),
    Mutant(
        "who made work that is not done is forgotten",
        "app/watchlake.py",
        "                    after = max(ended, opened + 1) if still_open else ended\n",
        "                    after = opened if closed >= until_us else ended\n",
        ("tests/store/test_watch_day.py::test_work_of_ones_own_stays_ones_own_whoever_it_is_given_to_and_done_or_not",),
    ),
    Mutant(
        "whoever is refused a verdict for a conflict leaves no trace",
        "app/watchdesk.py",
        "        await note_denied(services, row[0], by)\n",
        "",
        ("tests/store/test_watch_day.py::test_nobody_decides_about_himself",),
    ),
    Mutant(
        "two verdicts of one person at once are both recorded",
        "app/watchqueries.py",
        "        await connection.execute("
        """"select pg_advisory_xact_lock(hashtextextended('watch_verdict:' || %s, 0))", [flag])\n""",
        "",
        (
            "tests/store/test_watch_day.py::"
            "test_of_two_verdicts_that_one_person_gives_at_once_one_counts_and_one_is_recorded",
        ),
    ),
    Mutant(
        "a colleague's words about a flag are read by everybody",
        "app/watchdesk.py",
        "    return list(by).index(viewer) + 1 if viewer in by else 0\n",
        "    return len(by)\n",
        ("tests/store/test_watch_day.py::test_a_verdict_is_given_on_the_page_of_the_flag_as_by_the_command",),
    ),
    Mutant(
        "orders that name nobody of the company make controls",
        "app/casetracecustomers.py",
        "    known, otherwise = await _in_tables(services, bare)\n",
        "    known, otherwise = set(bare), (await _in_tables(services, bare))[1]\n",
        (
            "tests/store/test_case_trace_customers.py::"
            "test_an_empty_table_is_said_and_people_who_are_in_no_table_of_the_company_count_for_nothing",
        ),
    ),
    Mutant(
        "a customer whom an imported log alone knows is taken for one whom nobody opened",
        "app/casetracecustomers.py",
        '    numbers |= await assign(services.db, "subject", sorted(opened_there))\n',
        "",
        (
            "tests/store/test_case_trace_customers.py::"
            "test_of_an_imported_customer_whom_somebody_opened_there_are_not_two",
        ),
    ),
]
