"""Public door: export jobs, the exporter registry and the base class of exporters.

An export is asked for (``create_export``), carried out by a worker (``run_export``), stopped (``cancel_export``),
fetched (``open_result``) and cleaned up (``expire_exports``).
"""

from __future__ import annotations

from gridkit_django.exports.again import ask_again
from gridkit_django.exports.base import BaseExporter, ExportColumn, ExportFigure, ExportGroup, ExportSheet
from gridkit_django.exports.control import (
    ExportResult,
    cancel_export,
    check_question,
    get_job,
    may_ask,
    may_see_query,
    open_result,
    ready_job,
)
from gridkit_django.exports.copying import CopiedExporter, CopyShape
from gridkit_django.exports.creation import request_export
from gridkit_django.exports.direct import answer_at_once
from gridkit_django.exports.door import create_export, judge_export, keeps_its_rows
from gridkit_django.exports.expiry import expire_exports
from gridkit_django.exports.figures import ExportFigures, export_figures
from gridkit_django.exports.jobs import describe_job
from gridkit_django.exports.links import SignedLink, owner_of_link, sign_link
from gridkit_django.exports.notices import connect_notices, tell
from gridkit_django.exports.owners import mail_address
from gridkit_django.exports.queue import ExportQueue
from gridkit_django.exports.registry import ExporterRegistry, exporters
from gridkit_django.exports.request import ExportRequest
from gridkit_django.exports.retrying import retry_export
from gridkit_django.exports.rows import iter_rows
from gridkit_django.exports.running import run_export
from gridkit_django.exports.schedules import next_run, run_due_exports, run_schedule
from gridkit_django.exports.segments import KeptSegment, Seams, SegmentedExporter, SegmentPlace
from gridkit_django.exports.waiting import hand_waiting

__all__ = [
    "BaseExporter",
    "CopiedExporter",
    "CopyShape",
    "ExportColumn",
    "ExportFigure",
    "ExportFigures",
    "ExportGroup",
    "ExportQueue",
    "ExportRequest",
    "ExportResult",
    "ExportSheet",
    "ExporterRegistry",
    "KeptSegment",
    "Seams",
    "SegmentPlace",
    "SegmentedExporter",
    "SignedLink",
    "answer_at_once",
    "ask_again",
    "cancel_export",
    "check_question",
    "connect_notices",
    "create_export",
    "describe_job",
    "expire_exports",
    "export_figures",
    "exporters",
    "get_job",
    "hand_waiting",
    "iter_rows",
    "judge_export",
    "keeps_its_rows",
    "mail_address",
    "may_ask",
    "may_see_query",
    "next_run",
    "open_result",
    "owner_of_link",
    "ready_job",
    "request_export",
    "retry_export",
    "run_due_exports",
    "run_export",
    "run_schedule",
    "sign_link",
    "tell",
]
