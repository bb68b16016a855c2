"""Instructions that are used up: the first one that fits is taken, as often as it says."""

from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

SubjectT = TypeVar("SubjectT")
SubjectT_contra = TypeVar("SubjectT_contra", contravariant=True)


class Rule(Protocol[SubjectT_contra]):
    """What a set of rules asks of each one."""

    @property
    def times(self) -> int | None:
        """How often the rule is used; None is always."""

    def fits(self, subject: SubjectT_contra) -> bool:
        """Whether the rule is meant for this subject."""


RuleT = TypeVar("RuleT", bound=Rule[Any])


class Rules(Generic[RuleT, SubjectT]):
    """The rules still in force, in the order they were added; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._in_force: list[tuple[RuleT, int | None]] = []

    def add(self, rule: RuleT) -> RuleT:
        """Put ``rule`` behind those already in force."""
        if rule.times is not None and rule.times < 1:
            message = f"times is {rule.times}: say how often, from 1, or None for always"
            raise ValueError(message)
        with self._lock:
            self._in_force.append((rule, rule.times))
        return rule

    def take(self, subject: SubjectT) -> RuleT | None:
        """The first rule that fits, used once; None where none does."""
        with self._lock:
            for position, (rule, left) in enumerate(self._in_force):
                if rule.fits(subject):
                    if left == 1:
                        del self._in_force[position]
                    elif left is not None:
                        self._in_force[position] = (rule, left - 1)
                    return rule
        return None

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._in_force.clear()

    @property
    def pending(self) -> list[RuleT]:
        """The rules that were not used up: empty proves that each one fired."""
        with self._lock:
            return [rule for rule, _ in self._in_force]
