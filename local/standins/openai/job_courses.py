"""Moving a batch job on, one look at a time, and what it leaves behind at its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from openai.types import BatchError

from local.standins.openai.background import Background, outcome, was_given_up
from local.standins.openai.job_lines import (
    AnsweredLine,
    CheckedInput,
    Respond,
    answer,
    check,
    expired,
)
from local.standins.openai.jobs import Job
from local.standins.openai.line_plans import LinePlans
from local.standins.openai.records import StoredFile, new_id
from local.standins.openai.state import State

ORGANIZATION = "org-standin"
# What takes a second or so; with more, a job waits in its status for a thread to be done.
_QUICK_BYTES = 2 * 1024 * 1024
_ANSWERED = frozenset(("finalizing", "completed", "expired"))


@dataclass(kw_only=True)
class JobCourses:
    """Takes jobs along their courses. Whoever calls holds the state's lock.

    ``enqueued_token_limit`` is the number of prompt tokens that all jobs of a model may have under
    way; a job that passes it fails.
    """

    state: State
    line_plans: LinePlans
    respond: Respond
    background: Background
    enqueued_token_limit: int | None = None

    def advance(self, job: Job) -> None:
        """Move ``job`` on after one more look; not while the work for its next status goes on."""
        if not job.has_ended and self._is_ready(job):
            self._enter_next(job)

    def cancel(self, job: Job) -> None:
        """Begin to end ``job``, which has not ended."""
        if job.status == "cancelling":
            return
        job.enter("cancelling", self.state.now())
        job.course = job.plan.course_of_cancel()
        job.coming = next(job.course)

    def _is_ready(self, job: Job) -> bool:
        """Whether the work is done that the status to come asks for."""
        is_told = job.coming == "cancelled" and job.plan.answered is not None
        has_answers = is_told or job.coming in _ANSWERED
        if (has_answers or job.coming == "in_progress") and not self._is_checked(job):
            return False
        # A file that was refused has changed what is to come.
        return job.coming == "failed" or not has_answers or self._answers(job) is not None

    def _enter_next(self, job: Job) -> None:
        job.enter(job.coming, self.state.now())
        if job.status == "in_progress":
            self._show_progress(job)
        elif job.status == "failed":
            job.errors = job.errors or job.plan.errors
        elif job.has_ended:
            self._leave_results(job)
        job.coming = next(job.course)

    def _is_checked(self, job: Job) -> bool:
        """Whether the input file has been read; if it is refused, the job is to fail."""
        if job.checked is None or was_given_up(job.checked):
            content = job.input_file.content
            work = partial(check, content, job.endpoint, self.background.keep_on)
            job.checked = self.background.do(work, aside=len(content) > _QUICK_BYTES)
        checked = outcome(job.checked)
        if checked is None:
            return False
        if not job.total:
            job.model = checked.model
            job.errors = checked.errors or self._queue_errors(checked)
            if job.errors:
                job.course, job.coming = repeat("failed"), "failed"
            else:
                job.total, job.enqueued_tokens = checked.total, checked.tokens
        return True

    def _queue_errors(self, checked: CheckedInput) -> Sequence[BatchError]:
        under_way = sum(
            job.enqueued_tokens
            for job in self.state.jobs.values()
            if job.model == checked.model and not job.has_ended
        )
        limit = self.enqueued_token_limit
        if limit is None or under_way + checked.tokens <= limit:
            return ()
        message = (
            f"Enqueued token limit reached for {checked.model} in organization {ORGANIZATION}. "
            f"Limit: {limit:,} enqueued tokens. Please try again once some in_progress batches "
            "have been completed."
        )
        return [BatchError(code="token_limit_exceeded", message=message)]

    def _answers(self, job: Job) -> Sequence[AnsweredLine] | None:
        if job.answered is None or was_given_up(job.answered):
            content = job.input_file.content
            work = partial(answer, content, self.line_plans, self.respond, self.background.keep_on)
            job.answered = self.background.do(work, aside=len(content) > _QUICK_BYTES)
        return outcome(job.answered)

    def _show_progress(self, job: Job) -> None:
        job.looks += 1
        parts = 2 if job.plan.in_progress is None else job.plan.in_progress + 1
        lines = self._answers(job) or ()
        job.count(lines[: len(lines) * min(job.looks, parts - 1) // parts])

    def _leave_results(self, job: Job) -> None:
        """The output and error files, as far as the job got."""
        lines = outcome(job.answered) or ()
        shown = lines if job.status == "completed" else _answered_in_time(job, lines)
        job.count(shown)
        failed = [line for line in shown if not line.succeeded]
        if job.status == "expired":
            in_time = {line.custom_id for line in shown}
            failed += [expired(one.custom_id) for one in lines if one.custom_id not in in_time]
        job.output_file_id = self._keep(job, "output", [line for line in shown if line.succeeded])
        job.error_file_id = self._keep(job, "error", failed)
        job.answered = None  # the files have it all

    def _keep(self, job: Job, kind: str, lines: Sequence[AnsweredLine]) -> str | None:
        """The id of a new file; None where there is nothing to keep."""
        if not lines:
            return None
        now = self.state.now()
        file = StoredFile(
            id=new_id("file-", 22),
            filename=f"{job.id}_{kind}.jsonl",
            purpose="batch_output",
            content="".join(line.text for line in lines).encode(),
            created_at=now,
            expires_at=now + job.output_seconds,
        )
        self.state.files[file.id] = file
        return file.id


def _answered_in_time(job: Job, lines: Sequence[AnsweredLine]) -> Sequence[AnsweredLine]:
    answered = job.plan.answered
    if callable(answered):
        return [line for line in lines if answered(line.custom_id)]
    if answered is None:
        return lines[: job.completed + job.failed]
    return lines[: round(len(lines) * answered)]
