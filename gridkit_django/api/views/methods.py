"""Methods that plugins offer on a grid."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.downloads import file_response
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.api.serializers.grids import MethodEntry, MethodList
from gridkit_django.api.serializers.jobs import JobAccepted, job_body
from gridkit_django.api.serializers.methods import MethodAnswer, MethodCallRequest
from gridkit_django.exports import answer_at_once, get_job, open_result
from gridkit_django.grids import open_grid
from gridkit_django.grids.methods import MethodResult, MethodSpec, call_method, list_methods
from gridkit_django.models import JobState


class MethodListView(GridKitView):
    """The methods of a grid that the user may call."""

    operations: ClassVar = {
        "GET": Operation(
            id="listMethods",
            tag="methods",
            summary="List the methods you may call on a grid",
            responses={200: MethodList},
            problems=(404,),
        )
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer all of them."""
        methods = list_methods(open_grid(grid, request.user))
        return Response({"results": [_entry(method) for method in methods]})


class MethodCallView(GridKitView):
    """One method of a grid."""

    throttle_scopes: ClassVar = {"POST": "exports"}
    operations: ClassVar = {
        "POST": Operation(
            id="callMethod",
            tag="methods",
            summary="Call a method",
            description=(
                "200 with its result, or 202 with a job that goes on; `Location` is the job's address. An export that "
                "is asked for as a file is 200 with the file, where it is small."
            ),
            request=MethodCallRequest,
            responses={200: MethodAnswer, 202: JobAccepted},
            parameters=(response_header("Location", "Address of the job.", 202),),
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, grid: str, name: str) -> HttpResponseBase:
        """Call the method as this user."""
        access = open_grid(grid, request.user)
        call = self.read_body(request, MethodCallRequest)
        return self._answer(request, call_method(access, name, call.arguments, call.query))

    def _answer(self, request: Request, result: MethodResult) -> HttpResponseBase:
        """Answer the result; a job gets its addresses, which only the API knows."""
        if result.status != 202:
            return Response(result.body, status=result.status)
        found = get_job(result.body["job"]["id"], request.user)  # type: ignore[index,call-overload,arg-type]
        if result.body.get("answer") == "file" and answer_at_once(found) and found.state == JobState.FINISHED:
            return file_response(request, found, lambda part: open_result(found.pk, request.user, part=part))
        job = job_body(found, request)
        return Response({"job": job}, status=202, headers={"Location": job["url"]})


def _entry(method: MethodSpec) -> dict[str, object]:
    return MethodEntry(
        name=method.name, label=method.label, plugin=method.plugin_id, json_schema=dict(method.schema)
    ).to_wire()
