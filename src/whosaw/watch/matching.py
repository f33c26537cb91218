"""Which templates hold for which accesses, and how near the work record lay: what strength is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whosaw.watch.rows import DAY_US, HOUR_US, NONE, Accesses, Bool, Float, Int64, Timeline, Work
from whosaw.watch.templates import Template, Via

_MOVED_DAYS = np.array([0.01, 0.1, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 30])
_SHARE = np.array([1e-9, 0.02, 0.1, 0.3, 0.6])
_DAY_SHARE = np.array([1e-9, 0.1, 0.5])
_MOVED, _SHARES, _DAY_SHARES = _MOVED_DAYS.size + 1, _SHARE.size + 1, _DAY_SHARE.size + 1
_SETTLE_US = HOUR_US // 2  # what he did in the last half hour says nothing about which queue he serves
_SECOND_US = 1_000_000
_CHUNK = 400_000


@dataclass(frozen=True, slots=True)
class Matches:
    """What the templates say about n accesses.

    Args:
        fired: n × T flags: the template holds.
        sound: n × T flags: it holds by a record that who looked did not make himself.
        codes: n × F cells of the features that the strength is fitted on, F columns.
        sound_codes: the same, from sound records alone.
        sizes: how many cells each feature has.
    """

    fired: Bool
    sound: Bool
    codes: Int64
    sound_codes: Int64
    sizes: tuple[int, ...]


class Matcher:
    """Matches accesses with the work records of one company.

    Args:
        work: the records.
        templates: what counts as a reason.
    """

    def __init__(self, work: Work, templates: Sequence[Template]) -> None:
        self.work, self.templates = work, tuple(templates)
        items, acts = work.items, work.acts
        self._items = np.argsort(items.subject, kind="stable")
        self._item_subject = items.subject[self._items]
        human = acts.actor != NONE
        actor, kind, subject, at = acts.actor[human], acts.kind[human], acts.subject[human], acts.at_us[human]
        self._kinds = max(len(work.kinds), 1)
        self._subjects = 1 + max((int(part.max()) for part in (items.subject, acts.subject) if part.size), default=0)
        self._moved = Timeline(acts.subject, acts.at_us)
        serves = any(each.via is Via.SERVES for each in self.templates)
        chosen = slice(None) if serves else slice(0)  # nothing else asks who serves what
        self._served = Timeline(actor[chosen] * self._kinds + kind[chosen], at[chosen])
        self._busy = Timeline(actor[chosen], at[chosen])
        self._handled = {
            name: Timeline(actor[of] * self._subjects + subject[of], at[of])
            for name, of in self._by_template(kind).items()
        }

    def _by_template(self, kind: Int64) -> dict[str, Bool]:
        reading = [each for each in self.templates if each.via in (Via.HANDLED, Via.CONTACT)]
        return {each.name: np.isin(kind, self._kinds_of(each)) for each in reading}

    def _kinds_of(self, template: Template) -> Int64:
        named = template.kinds or self.work.kinds
        return np.array([self.work.kinds.index(kind) for kind in named], np.int64)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many cells each feature has."""
        per = []
        for each in self.templates:
            if each.via is Via.OPEN:
                per.append(1 + self._kinds * _MOVED)
            elif each.via is Via.SERVES:
                per += [1 + self._kinds * _MOVED, 1 + _SHARES * _DAY_SHARES]
            else:
                per.append(1 + (_MOVED if each.reads_items else 2))
        return (_MOVED, *per)

    def match(self, accesses: Accesses) -> Matches:
        """Return what the templates say about `accesses`."""
        parts = [
            self._match(accesses.take(np.arange(start, min(start + _CHUNK, len(accesses)))))
            for start in range(0, max(len(accesses), 1), _CHUNK)
        ]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return Matches(columns[0], columns[1], columns[2], columns[3], self.sizes)

    def _match(self, accesses: Accesses) -> tuple[Bool, Bool, Int64, Int64]:
        moved = np.digitize(self._moved.since(accesses.subject, accesses.at_us) / DAY_US, _MOVED_DAYS)
        pairs = self._pairs(accesses)
        fired: list[Bool] = []
        sound: list[Bool] = []
        codes: list[Int64] = [moved]
        sound_codes: list[Int64] = [moved]
        for each in self.templates:
            if each.reads_items:
                holds, own = self._item_holds(each, accesses, pairs)
                for good, flags, cells in ((holds, fired, codes), (holds & ~own, sound, sound_codes)):
                    flags.append(_any(len(accesses), pairs[0][good]))
                    cells.extend(self._item_codes(each, accesses, pairs, good, moved))
            else:
                recency = self._person_codes(each, accesses)
                fired.append(recency > 0)
                sound.append(recency > 0)
                codes.append(recency)
                sound_codes.append(recency)
            if each.own_text:
                sound[-1] = np.zeros(len(accesses), np.bool_)
                for column in range(2 if each.via is Via.SERVES else 1):
                    sound_codes[-1 - column] = np.zeros(len(accesses), np.int64)
        empty = np.zeros((len(accesses), 0), np.bool_)
        return (
            np.stack(fired, axis=1) if fired else empty,
            np.stack(sound, axis=1) if sound else empty,
            np.stack(codes, axis=1),
            np.stack(sound_codes, axis=1),
        )

    def _pairs(self, accesses: Accesses) -> tuple[Int64, Int64]:
        """Return rows of accesses and of items with the same subject, one pair for each."""
        low = np.searchsorted(self._item_subject, accesses.subject, side="left")
        count = np.searchsorted(self._item_subject, accesses.subject, side="right") - low
        row = np.repeat(np.arange(len(accesses)), count)
        first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        return row, self._items[first + np.arange(row.size)]

    def _item_holds(self, template: Template, accesses: Accesses, pairs: tuple[Int64, Int64]) -> tuple[Bool, Bool]:
        """Return for each pair whether the template holds, and whether who looked made the item himself."""
        row, item = pairs
        items = self.work.items
        at, actor = accesses.at_us[row], accesses.actor[row]
        holds = (items.opened_us[item] <= at) & (at <= items.closed_us[item] + template.grace_us)
        if template.kinds:
            holds &= np.isin(items.kind[item], self._kinds_of(template))
        if template.via is Via.ASSIGNED:
            holds &= items.assignee[item] == actor
        elif template.via is Via.TEAM:
            team = self.work.team
            holds &= (items.team[item] != NONE) & (items.team[item] == (team[actor] if team is not None else NONE))
        elif template.via is Via.SERVES:
            holds &= self._share(template.within_us, actor, items.kind[item], at) > 0
        return holds, items.made_by[item] == actor

    def _share(self, within_us: int, actor: Int64, kind: Int64, at_us: Int64) -> Float:
        """Return which part of the actor's recorded work within the stretch was of that kind."""
        start, end = at_us - within_us, at_us - _SETTLE_US
        done = self._served.count(actor * self._kinds + kind, start, end)
        return np.asarray(done / np.maximum(self._busy.count(actor, start, end), 1))

    def _item_codes(
        self, template: Template, accesses: Accesses, pairs: tuple[Int64, Int64], good: Bool, moved: Int64
    ) -> list[Int64]:
        row, item = pairs[0][good], pairs[1][good]
        near = np.zeros(len(accesses), np.int64)
        if template.via is Via.OPEN:
            near[row] = 1 + self.work.items.kind[item] * _MOVED + moved[row]
            return [near]
        if template.via is not Via.SERVES:
            near[row] = 1 + moved[row]
            return [near]
        kind, actor, at = self.work.items.kind[item], accesses.actor[row], accesses.at_us[row]
        share = self._share(template.within_us, actor, kind, at)
        day = self._share(DAY_US, actor, kind, at)
        order = np.lexsort((kind, share))  # the kind he does most stands last and stays
        row, kind, share, day = row[order], kind[order], share[order], day[order]
        near[row] = 1 + kind * _MOVED + moved[row]
        serves = np.zeros(len(accesses), np.int64)
        serves[row] = 1 + np.digitize(share, _SHARE) * _DAY_SHARES
        today = np.zeros(len(accesses), np.int64)
        np.maximum.at(today, row, np.digitize(day, _DAY_SHARE))
        return [near, np.where(serves > 0, serves + today, 0)]

    def _person_codes(self, template: Template, accesses: Accesses) -> Int64:
        """Return 0 where the template does not hold, 1 where it does, 2 where it does within a day."""
        actor, at = accesses.actor, accesses.at_us
        if template.via is Via.ACCOUNT:
            return self._account(accesses).astype(np.int64)
        known = (accesses.subject >= 0) & (accesses.subject < self._subjects)
        key = np.where(known, actor * self._subjects + accesses.subject, 0)
        line = self._handled[template.name]
        if template.via is Via.CONTACT:
            near = line.count(key, at - template.within_us, at + template.within_us + 1)
            return np.where(known, np.minimum(near, 1), 0)
        day = min(template.within_us, DAY_US)
        far, near, last = line.before(key, at - template.within_us, at - day, at - _SECOND_US)
        return np.where(known, (last > far).astype(np.int64) + (last > near), 0)

    def _account(self, accesses: Accesses) -> Bool:
        ties, beneficiary = self.work.ties, accesses.beneficiary
        if beneficiary is None or not ties.actor.size:
            return np.zeros(len(accesses), np.bool_)
        width = 1 + max(int(beneficiary.max(initial=0)), int(ties.beneficiary.max()))
        tie_key, key = ties.actor * width + ties.beneficiary, accesses.actor * width + beneficiary
        order = np.argsort(tie_key, kind="stable")
        low = np.searchsorted(tie_key[order], key, side="left")
        count = np.searchsorted(tie_key[order], key, side="right") - low
        count = np.where(beneficiary >= 0, count, 0)
        row = np.repeat(np.arange(len(accesses)), count)
        first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        tie = order[first + np.arange(row.size)]
        holds = (ties.since_us[tie] <= accesses.at_us[row]) & (accesses.at_us[row] <= ties.until_us[tie])
        return _any(len(accesses), row[holds])


def _any(size: int, rows: Int64) -> Bool:
    flags = np.zeros(size, np.bool_)
    flags[rows] = True
    return flags
