"""Functions of the project: called in the worker, never in the request."""

from __future__ import annotations

import json

from django.utils.module_loading import import_string

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.places import Place
from gridkit_django.exceptions import DeliveryError, DeliveryLaterError


def call(place: Place, batch: Batch, secret: str) -> None:
    """Call the function with the list of records; JSON objects, or lines of text for ``cef``.

    Raises:
        DeliveryLaterError: whatever the function raises means later, but for ``DeliveryRefusedError``.
    """
    lines = batch.lines()
    told = [line.decode() for line in lines] if batch.form == "cef" else [json.loads(line) for line in lines]
    try:
        import_string(place.path)(told)
    except DeliveryError:
        raise
    except Exception as error:
        raise DeliveryLaterError(f"{place.path} raised {type(error).__name__}: {error}") from error
