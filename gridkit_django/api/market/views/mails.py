"""Which mails a publisher wants: read and said with a token of the publisher, nobody else sees it."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView
from gridkit_django.api.market.bodies import MailsRequest, PublisherMails, WireMail
from gridkit_django.api.operations import Operation
from gridkit_django.marketplace.shelf.mails import MailKind, switch_mails
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_publisher
from gridkit_django.models import Publisher


class MailsView(MarketView):
    """The kinds of mails."""

    throttle_scopes: ClassVar = {"GET": "market-read", "PUT": "market-front"}
    operations: ClassVar = {
        "GET": Operation(
            id="getPublisherMails",
            tag="publishing",
            summary="Read which mails a publisher gets",
            description="Needs a token with the scope `mails`.",
            responses={200: PublisherMails},
            problems=(403,),
        ),
        "PUT": Operation(
            id="changePublisherMails",
            tag="publishing",
            summary="Say which mails a publisher does not want",
            description="All other kinds are sent. Needs a token with the scope `mails`; each change is recorded.",
            request=MailsRequest,
            responses={200: PublisherMails},
            problems=(403,),
        ),
    }

    def get(self, request: Request, publisher: str) -> Response:
        """Answer them."""
        token = self.token(request)
        require_publisher(token, TokenScope.MAILS, publisher)
        return Response(_body(token.publisher).to_wire())

    def put(self, request: Request, publisher: str) -> Response:
        """Change them."""
        token = self.token(request)
        require_publisher(token, TokenScope.MAILS, publisher)
        asked = self.read_body(request, MailsRequest)
        return Response(_body(switch_mails(token.publisher, [MailKind(kind) for kind in asked.off])).to_wire())


def _body(publisher: Publisher) -> PublisherMails:
    return PublisherMails(
        publisher=publisher.name,
        has_address=bool(publisher.email),
        kinds=[
            WireMail(kind=kind.value, label=str(kind.label), wanted=kind.value not in publisher.mails_off)
            for kind in MailKind
        ],
    )
