"""Mixpanel: the import API (``/import?strict=1``), which judges each event and folds doubles by ``$insert_id``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_plugins.analytics.config import MixpanelConfig
from gridkit_plugins.analytics.providers.base import LIBRARY, Limits, Tracked, basic, events_of, json_of

_HOSTS = {"us": "api.mixpanel.com", "eu": "api-eu.mixpanel.com", "in": "api-in.mixpanel.com"}


class Mixpanel:
    """Sends batches of at most 2,000 events and 2 MB.

    Args:
        config: its section of the configuration.
        key: the project token; a service account takes its place where one is given.
    """

    limits = Limits(2000, 900_000)

    def __init__(self, config: MixpanelConfig, key: str) -> None:
        self._config = config
        self._key = key
        self._base = config.host or f"https://{_HOSTS[config.region]}"

    @property
    def host(self) -> str:
        """The host that is talked to."""
        return urlsplit(self._base).netloc

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        account, secret = self._config.service_account, self._config.service_secret.get_secret_value()
        query = {"strict": "1", **({"project_id": self._config.project_id} if account else {})}
        headers = {"Authorization": basic(account, secret) if account else basic(self._key)}
        body = [_event(event) for event in events_of(messages)]
        return OutgoingRequest("POST", f"{self._base}/import?{urlencode(query)}", headers, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Bury what Mixpanel names as wrong; it has taken all the rest of the batch."""
        failed = json_of(response).get("failed_records") if response.status == 400 else None
        places = {message.key: index for index, message in enumerate(messages)}
        refused = {
            places[record["insert_id"]]: f"{record.get('field')}: {record.get('message')}"
            for record in failed or ()
            if record.get("insert_id") in places
        }
        return Verdict.delivered(refused=refused) if refused else default_judge(messages, response)


def _event(event: Tracked) -> dict[str, Any]:
    ids = {
        "distinct_id": event.user or (event.device and f"$device:{event.device}"),
        **({"$user_id": event.user} if event.user else {}),
        **({"$device_id": event.device} if event.device else {}),
        **({"session": event.session} if event.session else {}),
    }
    stamps = {"time": event.at, "$insert_id": event.id, "mp_lib": LIBRARY}
    return {"event": event.name, "properties": {**event.properties, **ids, **stamps}}
