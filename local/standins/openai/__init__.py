"""A stand-in for OpenAI: the real SDK talks to it through ``base_url`` and cannot tell.

It holds files, vector stores, file batches and batch jobs in memory, searches what was uploaded,
and answers prompts by rule; what is asked about labels, out of a truth if it is given one. Its
answers are built from the SDK's own response types, its errors have the wire's shape, and it can be
told to misbehave::

    with OpenAIStandIn() as standin:
        standin.faults.add(Fault(operation="files.create", status=429, retry_after=1, times=2))
        standin.plans.add(BatchPlan(polls=3, status="failed"))
        standin.job_plans.add(JobPlan(status="expired", answered=0.5))
        standin.line_plans.add(LinePlan(written=half, when=lambda custom_id: custom_id == "a"))
        standin.truth = Truth.load(path)
        standin.latency["files.create"] = 0.3
        standin.webhooks.add("http://127.0.0.1:8000/", "whsec_c2VjcmV0")
        client = OpenAI(base_url=standin.base_url, api_key="any")
        ...
        assert standin.calls.count("files.create", status=200) == 1

Operations are named as the SDK's methods are: ``vector_stores.file_batches.create``.
"""

from local.standins.openai.answers import AnswerPlan
from local.standins.openai.calls import Call, CallLog
from local.standins.openai.faults import Fault
from local.standins.openai.job_plans import JobInput, JobPlan
from local.standins.openai.jobs import Job
from local.standins.openai.labels import Truth
from local.standins.openai.line_plans import LinePlan, half, left_out, twice
from local.standins.openai.plans import BatchFile, BatchPlan, FileFailure
from local.standins.openai.records import Attachment, FileBatch, Store, StoredFile
from local.standins.openai.requests import ApiRequest
from local.standins.openai.server import OpenAIStandIn

__all__ = [
    "AnswerPlan",
    "ApiRequest",
    "Attachment",
    "BatchFile",
    "BatchPlan",
    "Call",
    "CallLog",
    "Fault",
    "FileBatch",
    "FileFailure",
    "Job",
    "JobInput",
    "JobPlan",
    "LinePlan",
    "OpenAIStandIn",
    "Store",
    "StoredFile",
    "Truth",
    "half",
    "left_out",
    "twice",
]
