"""Errors about the audit trail."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "AppendOnlyError",
    "AuditChainError",
    "AuditDestinationError",
    "AuditError",
    "AuditFormError",
    "AuditHeldError",
    "AuditKeyError",
    "AuditKeyServiceError",
    "AuditPartitionBusyError",
    "AuditPartitionError",
    "AuditPolicyError",
    "AuditRecordNotFoundError",
    "AuditRetentionError",
    "AuditSearchError",
    "AuditSubjectError",
    "AuditTriggerError",
    "AuditUnavailableError",
    "DeliveryError",
    "DeliveryLaterError",
    "DeliveryRefusedError",
    "DeliveryTooLargeError",
    "ReasonRequiredError",
    "ReasonTooLongError",
    "RevertError",
]


class AuditError(GridKitError):
    """Something about the audit trail is wrong."""

    code = "audit-error"


class ReasonRequiredError(AuditError):
    """A change has no reason, where the grid asks for one."""

    code = "audit-reason-required"


class ReasonTooLongError(AuditError):
    """A reason has more characters than are kept."""

    code = "audit-reason-too-long"


class AuditRecordNotFoundError(AuditError):
    """There is no such audit record."""

    code = "audit-record-not-found"


class AuditSearchError(AuditError):
    """A question to the audit trail can't be answered as it is asked."""

    code = "audit-search-invalid"


class RevertError(AuditError):
    """A recorded change can't be taken back."""

    code = "audit-not-revertible"


class AppendOnlyError(AuditError):
    """Audit records are written once: no update, no delete."""

    code = "audit-append-only"


class AuditFormError(AuditError):
    """A stored record can't be brought to its canonical form: it is damaged, or of a newer version of GridKit."""

    code = "audit-form"


class AuditKeyError(AuditError):
    """A key of the audit trail is missing or can't be read."""

    code = "audit-key"


class AuditKeyServiceError(AuditKeyError):
    """Whoever wraps the keys of subjects did not answer, so what needs a key could not be done now."""

    code = "audit-key-service"


class AuditChainError(AuditError):
    """The chain of seals can't be gone on with: what is stored does not fit to what was sealed or told before."""

    code = "audit-chain"


class AuditSubjectError(AuditError):
    """Nobody can be meant by what was said of a person: there is no such model, field or key."""

    code = "audit-subject"


class AuditHeldError(AuditError):
    """A legal hold keeps what should be destroyed."""

    code = "audit-held"


class AuditPolicyError(AuditError):
    """A policy names a model, a field or an option that there is not."""

    code = "audit-policy-wrong"


class AuditUnavailableError(AuditError):
    """The record of a change could not be written, so nothing was changed."""

    code = "audit-unavailable"


class AuditTriggerError(AuditError):
    """The audit triggers can't be made here, or are not what they should be."""

    code = "audit-triggers"


class AuditDestinationError(AuditError):
    """A destination of the audit trail can't be what was asked for."""

    code = "audit-destination"


class DeliveryError(AuditError):
    """A destination did not take a batch of audit records."""

    code = "audit-delivery"


class DeliveryLaterError(DeliveryError):
    """It did not work now; trying again is sensible."""

    code = "audit-delivery-later"


class DeliveryRefusedError(DeliveryError):
    """The destination said no; somebody must look before it is tried again."""

    code = "audit-delivery-refused"


class DeliveryTooLargeError(DeliveryRefusedError):
    """The destination takes no batch as large as this one."""

    code = "audit-delivery-too-large"


class AuditRetentionError(AuditError):
    """A term, a rule or a hold of the audit trail can't be what was asked for."""

    code = "audit-retention"


class AuditPartitionError(AuditError):
    """The record table can't have the form that was asked for."""

    code = "audit-partitions"


class AuditPartitionBusyError(AuditPartitionError):
    """The record table was in use all the time, so its form was not changed."""

    code = "audit-partitions-busy"
