"""Whether a person must say why."""

from __future__ import annotations

from gridkit_django.audit.policies import AuditPolicy
from gridkit_django.events import Act, ActorKind
from gridkit_django.exceptions import ReasonRequiredError


def require_reason(policy: AuditPolicy, act: Act, label: str) -> None:
    """See that a person who must give a reason has given one.

    Args:
        policy: the policy that holds.
        act: who acts.
        label: the model.

    Raises:
        ReasonRequiredError: when there is none.
    """
    if policy.reason_required and act.actor.kind is ActorKind.USER and not act.reason:
        raise ReasonRequiredError(f"Say why: a change of {label} needs a reason. Nothing was changed.")
