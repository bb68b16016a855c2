"""Batch jobs: https://platform.openai.com/docs/api-reference/batch."""

from collections.abc import Sequence
from typing import get_args, get_type_hints

from openai.types.batch_create_params import BatchCreateParams

from local.standins.openai import checks
from local.standins.openai.errors import ApiError, invalid, not_found
from local.standins.openai.job_courses import JobCourses
from local.standins.openai.job_plans import JobInput, JobPlans
from local.standins.openai.jobs import Job
from local.standins.openai.pages import Page, cut, page
from local.standins.openai.records import SECONDS_A_DAY, new_id
from local.standins.openai.requests import ApiRequest
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State

ENDPOINT = "/v1/responses"
_ENDPOINTS = get_args(get_type_hints(BatchCreateParams)["endpoint"])
_NEEDED = ("input_file_id", "endpoint", "completion_window")


class Batches:
    """Making, finding and cancelling jobs. A job moves on each time it is looked at, as planned."""

    def __init__(self, state: State, plans: JobPlans, courses: JobCourses) -> None:
        self._state = state
        self._plans = plans
        self._courses = courses

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        one = "/batches/<batch_id>"
        return (
            Route("batches.create", "POST", "/batches", self.create),
            Route("batches.list", "GET", "/batches", self.list),
            Route("batches.retrieve", "GET", one, self.retrieve),
            Route("batches.cancel", "POST", f"{one}/cancel", self.cancel),
        )

    def create(self, request: ApiRequest) -> Reply:
        """Begin a job. What is in its input file is looked at later."""
        body = request.body
        checks.known_only(body, BatchCreateParams.__annotations__)
        for name in _NEEDED:
            if name not in body:
                raise checks.missing(name)
        endpoint = checks.one_of(body["endpoint"], _ENDPOINTS, "endpoint")
        if endpoint != ENDPOINT:
            raise invalid(f"This stand-in does batches of '{ENDPOINT}' only.", "endpoint")
        checks.one_of(body["completion_window"], ("24h",), "completion_window")
        metadata = checks.metadata(body.get("metadata"))
        output_seconds = _output_seconds(request)
        file_id = checks.text(body["input_file_id"], "input_file_id")
        file = self._state.file(file_id, "input_file_id")
        if file.purpose != "batch":
            message = f"Invalid purpose '{file.purpose}' of file '{file.id}': expected 'batch'."
            raise invalid(message, "input_file_id")
        plan = self._plans.choose(
            JobInput(
                endpoint=endpoint,
                metadata=metadata,
                filename=file.filename,
                content=file.content,
            )
        )
        course = plan.course()
        job = Job(
            id=new_id("batch_"),
            endpoint=endpoint,
            input_file=file,
            created_at=self._state.now(),
            metadata=metadata,
            output_seconds=output_seconds,
            plan=plan,
            course=course,
            coming=next(course),
        )
        self._state.jobs[job.id] = job
        return job.to_wire()

    def list(self, request: ApiRequest) -> Page:
        """The jobs, newest first; those shown have been looked at."""
        there = [job for job in self._state.jobs.values() if not _is_overlooked(job)]
        shown, has_more = cut(there, request.query)
        for job in shown:
            self._courses.advance(job)
        return page([job.to_wire() for job in shown], [job.id for job in shown], has_more=has_more)

    def retrieve(self, request: ApiRequest) -> Reply:
        """One job, a step further."""
        job = self._job(request)
        if _is_overlooked(job):
            raise _no_such_job(job.id)
        self._courses.advance(job)
        return job.to_wire()

    def cancel(self, request: ApiRequest) -> Reply:
        """Begin to end a job; 409 if it has ended."""
        job = self._job(request)
        if job.has_ended:
            raise ApiError(409, f"Cannot cancel a batch with status '{job.status}'.")
        self._courses.cancel(job)
        return job.to_wire()

    def _job(self, request: ApiRequest) -> Job:
        batch_id = request.ids["batch_id"]
        if batch_id not in self._state.jobs:
            raise _no_such_job(batch_id)
        return self._state.jobs[batch_id]


def _is_overlooked(job: Job) -> bool:
    """Whether this look does not find the job."""
    unseen = job.plan.unseen
    if unseen is not None and job.unseen >= unseen:
        return False
    job.unseen += 1
    return True


def _no_such_job(batch_id: str) -> ApiError:
    return not_found(f"No batch found with id '{batch_id}'.")


def _output_seconds(request: ApiRequest) -> int:
    value = checks.mapping(request.body.get("output_expires_after"), "output_expires_after")
    if not value:
        return 30 * SECONDS_A_DAY
    checks.one_of(value.get("anchor"), ("created_at",), "output_expires_after.anchor")
    seconds = value.get("seconds")
    return checks.integer(seconds, "output_expires_after.seconds", 3600, 30 * SECONDS_A_DAY)
