"""What the gate found out before deciding, as values."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.decide.purpose import Verification


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """Who asks, as the staff directory, the suspensions and the code of conduct say now.

    Attributes:
        roles: as the directory names them.
        region: where he works; empty where the directory does not say.
        ended: whether his employment or contract is over.
        suspended: whether he was stopped.
        employer: who pays him: a vendor's staff are actors too; empty where the directory does not say.
        site: where he sits; empty likewise.
        function: the function under which he may approve; empty likewise.
        acknowledged: whether he holds a valid acknowledgement of the code of conduct, or none is required.
    """

    roles: frozenset[str]
    region: str
    ended: bool
    suspended: bool
    employer: str = ""
    site: str = ""
    function: str = ""
    acknowledged: bool = True

    @classmethod
    def unknown(cls, *, suspended: bool = False) -> ActorFacts:
        """Return the facts of somebody the directory does not list: no role, so no policy permits."""
        return cls(frozenset(), "", ended=True, suspended=suspended)

    @property
    def barred(self) -> bool:
        """Whether no policy may open anything to him: suspended, gone, unknown, or without an acknowledgement."""
        return self.suspended or self.ended or not self.acknowledged

    @property
    def stopped(self) -> bool:
        """Whether observing opens nothing to him either: barred, or without any role."""
        return self.barred or not self.roles


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision depends on besides the ask, the catalog and the policies.

    Attributes:
        actor: who asks.
        verification: what became of the stated purpose.
        subject_known: whether the subject, or the object of an action, exists.
        subject_region: region of the subject; empty where the catalog names none.
        granted: classes (for an action: its name) opened by a grant in force for this actor, subject and purpose.
        glass: classes opened by broken glass, likewise.
    """

    actor: ActorFacts
    verification: Verification
    subject_known: bool
    subject_region: str
    granted: frozenset[str] = frozenset()
    glass: frozenset[str] = frozenset()

    @property
    def borne_out(self) -> bool:
        """Whether anything bears the ask out: work, a grant or broken glass."""
        return bool(self.verification.verified or self.granted or self.glass)
