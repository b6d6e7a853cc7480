"""Which records a term is about: by action, or by model and action; the most particular rule decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.retention.terms import Term
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditRetentionError


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Records of one kind and how long they are kept.

    Attributes:
        model: type of the target, ``app_label.model`` in lower case; empty for any.
        action: an action such as ``row.update``, a family such as ``row.*``, or ``*``.
        term: how long.
    """

    model: str
    action: str
    term: Term

    @classmethod
    def parse(cls, name: str, term: str) -> RetentionRule:
        """Read ``row.*``, ``*`` or ``shop.Order row.update`` with its term.

        Raises:
            AuditRetentionError: when a part has another form.
        """
        model, _, action = name.rpartition(" ")
        if not action or ("*" in action and action != "*" and not action.endswith(".*")):
            raise AuditRetentionError(f"{name!r} names no records. Write row.*, *, row.update or shop.Order row.*.")
        return cls(model.strip().lower(), action, Term.parse(term))

    @property
    def name(self) -> str:
        """What it is called: as it is written in the settings."""
        return f"{self.model} {self.action}".strip()

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Sorts the most particular rule first: one of a model, then one of a single action."""
        return (not self.model, self.action.endswith("*"), self.action == "*")

    def matches(self) -> Q:
        """Return the condition that a record falls under it."""
        found = Q(target_type=self.model) if self.model else Q()
        if self.action == "*":
            return found or Q(pk__gte=-(2**63))
        if self.action.endswith("*"):
            return found & Q(action__startswith=self.action[:-1])
        return found & Q(action=self.action)


def retention_rules() -> list[RetentionRule]:
    """Return the rules of the settings and of the policies at work, the most particular first.

    Of two rules about the same records the longer term holds. Records of no rule are kept for ever.

    Raises:
        AuditRetentionError: when a rule can't be read.
    """
    found = [RetentionRule.parse(name, term) for name, term in settings().AUDIT_RETENTION.items()]
    for model, policies in audit_policies().table.by_model.items():
        terms = [policy.retention for policy in policies if policy.retention]
        found += [RetentionRule(model, "row.*", Term.parse(term)) for term in terms]
    now = datetime(2000, 1, 1)  # noqa: DTZ001 - only compares terms
    longest: dict[str, RetentionRule] = {}
    for rule in found:
        known = longest.get(rule.name)
        if known is None or rule.term.before(now) < known.term.before(now):
            longest[rule.name] = rule
    return sorted(longest.values(), key=lambda rule: (rule.rank, rule.name))


def expired(rules: Sequence[RetentionRule], now: datetime) -> Mapping[str, Q]:
    """Return for each rule the condition of the records whose time is over under it, and under no other.

    Args:
        rules: the most particular first.
        now: the moment from which terms are counted back.
    """
    conditions: dict[str, Q] = {}
    earlier: Q | None = None
    for rule in rules:
        over = rule.matches() & Q(occurred_at__lt=rule.term.before(now))
        conditions[rule.name] = over if earlier is None else over & ~earlier
        earlier = rule.matches() if earlier is None else earlier | rule.matches()
    return conditions


def due_at(rules: Sequence[RetentionRule], moment: datetime) -> datetime | None:
    """Return when every record up to a moment is over, whatever it is about; None when some are kept for ever.

    Args:
        rules: all that there are.
        moment: when the last of the records was written.
    """
    if not any(rule.name == "*" for rule in rules):
        return None
    ends = [rule.term.after(moment) for rule in rules]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
