"""The keys that sign for a publisher: everybody reads the signed list, the publisher adds to it."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView
from gridkit_django.api.market.bodies import PublisherKeys, StatementRequest, WireKey
from gridkit_django.api.operations import Operation
from gridkit_django.exceptions import ListingNotFoundError
from gridkit_django.marketplace.shelf.keys import key_list, take_statement
from gridkit_django.marketplace.shelf.reading import public_publisher
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_publisher
from gridkit_django.models import Publisher, PublisherToken


class KeysView(MarketView):
    """The list."""

    throttle_scopes: ClassVar = {"GET": "market-read", "POST": "market-front"}
    operations: ClassVar = {
        "GET": Operation(
            id="getPublisherKeys",
            tag="publishing",
            summary="Read which keys sign for a publisher",
            description="Each statement is signed by a key of the list before it, or is the marketplace's own.",
            responses={200: PublisherKeys},
            problems=(404,),
            public=True,
        ),
        "POST": Operation(
            id="changePublisherKeys",
            tag="publishing",
            summary="Add, retire or revoke a key by a statement that another key signed",
            description=(
                "What a revoked key signed since then goes into quarantine. Needs a token with the scope `keys`."
            ),
            request=StatementRequest,
            responses={201: PublisherKeys},
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request, publisher: str) -> Response:
        """Answer it."""
        return Response(_body(_visible(request, publisher)).to_wire())

    def post(self, request: Request, publisher: str) -> Response:
        """Add to it."""
        token = self.token(request)
        require_publisher(token, TokenScope.KEYS, publisher)
        take_statement(token.publisher, self.read_body(request, StatementRequest).model_dump())
        return Response(_body(token.publisher).to_wire(), status=201)


def _visible(request: Request, name: str) -> Publisher:
    """Return a publisher that has something public, or whose own token asks.

    Raises:
        ListingNotFoundError: when there is none.
    """
    token = request.auth
    if isinstance(token, PublisherToken) and token.publisher.name == name:
        return token.publisher
    found = public_publisher(name)
    if found is None:
        raise ListingNotFoundError(f"This marketplace has no publisher {name[:60]!a}.")
    return found


def _body(publisher: Publisher) -> PublisherKeys:
    found = key_list(publisher)
    states = {"": "active", "retire": "retired", "revoke": "revoked"}
    return PublisherKeys(
        publisher=publisher.name,
        serial=found.serial,
        head=found.head,
        keys=[
            WireKey(key=key, state=states[item.ended], ended_at=item.ended_at or None)
            for key, item in found.keys.items()
        ],
        statements=[row.body for row in publisher.key_statements.order_by("serial")],
    )
