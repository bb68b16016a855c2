"""Webhooks: who listens is told of each batch job's end, in signed events.

As https://developers.openai.com/api/docs/guides/webhooks has it: what is not answered with a
success is delivered again, later each time. Here that is over after seconds, and not after days.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openai.types.webhooks import (
    BatchCancelledWebhookEvent,
    BatchCompletedWebhookEvent,
    BatchExpiredWebhookEvent,
    BatchFailedWebhookEvent,
)

from local.standins.openai.job_courses import JobCourses
from local.standins.openai.jobs import Job
from local.standins.openai.records import new_id
from local.standins.openai.state import State

_EVENTS = {
    "completed": BatchCompletedWebhookEvent,
    "failed": BatchFailedWebhookEvent,
    "expired": BatchExpiredWebhookEvent,
    "cancelled": BatchCancelledWebhookEvent,
}
MOST_TRIES = 6
_TIMEOUT_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 4.0


def signed(
    body: bytes, secret: str, *, webhook_id: str | None = None, at: float | None = None
) -> dict[str, str]:
    """The headers of a delivery, signed with a secret such as ``whsec_…``; ``at`` is Unix seconds.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    webhook_id = new_id("wh_") if webhook_id is None else webhook_id
    timestamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "user-agent": "OpenAI/1.0 (stand-in)",
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Who is told: a URL, and the secret that its events are signed with."""

    url: str
    secret: str = field(repr=False)


@dataclass(kw_only=True)
class Delivery:
    """An event on its way: what each try was answered with, None for no answer."""

    endpoint: Endpoint
    event: str
    """Its type."""
    job_id: str
    webhook_id: str
    body: bytes = field(repr=False)
    statuses: list[int | None] = field(default_factory=list)
    due: float = 0.0
    """Of the monotonic clock."""

    @property
    def is_over(self) -> bool:
        """Whether it was taken, or is not tried again."""
        taken = bool(self.statuses) and 200 <= (self.statuses[-1] or 0) < 300
        return taken or len(self.statuses) >= MOST_TRIES


class Webhooks:
    """Endpoints, and a thread that looks for jobs that have ended, once there is one.

    While there are endpoints, jobs also move on by themselves, one look each ``look_seconds``:
    else nobody would look at them who waits to be told. Whoever calls holds no lock.
    """

    def __init__(self, state: State, courses: JobCourses, stopping: threading.Event) -> None:
        self.look_seconds = 1.0
        self.first_pause_seconds = 0.25
        self._state = state
        self._courses = courses
        self._stopping = stopping
        self._endpoints: list[Endpoint] = []
        self._told: set[str] = set()
        self._deliveries: list[Delivery] = []
        self._thread: threading.Thread | None = None

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """All so far, in order."""
        with self._state.lock:
            return tuple(self._deliveries)

    def add(self, url: str, secret: str) -> None:
        """Tell this URL of every job that ends from now on."""
        with self._state.lock:
            if not self._endpoints:
                self._told = {job.id for job in self._state.jobs.values() if job.has_ended}
            self._endpoints.append(Endpoint(url=url, secret=secret))
        self.start()

    def start(self) -> None:
        """Look after jobs in a thread, if anybody listens and none does it yet."""
        if self._endpoints and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(
                target=self._run, name="openai-stand-in-webhooks", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Once ``stopping`` is set, wait for the thread's end; what is under way is given up."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        next_look = time.monotonic()
        while not self._stopping.wait(min(self.look_seconds, self.first_pause_seconds)):
            if time.monotonic() >= next_look:
                self._look()
                next_look = time.monotonic() + self.look_seconds
            for delivery in self.deliveries:
                if not delivery.is_over and delivery.due <= time.monotonic():
                    self._try(delivery)

    def _look(self) -> None:
        """Move every job on, and write events of those that have ended."""
        with self._state.lock:
            for job in self._state.jobs.values():
                self._courses.advance(job)
                if job.has_ended and job.id not in self._told:
                    self._told.add(job.id)
                    self._deliveries += [self._event(job, each) for each in self._endpoints]

    def _event(self, job: Job, endpoint: Endpoint) -> Delivery:
        kind = f"batch.{job.status}"
        event = _EVENTS[job.status].model_validate(
            {
                "id": new_id("evt_"),
                "object": "event",
                "created_at": self._state.now(),
                "type": kind,
                "data": {"id": job.id},
            }
        )
        return Delivery(
            endpoint=endpoint,
            event=kind,
            job_id=job.id,
            webhook_id=new_id("wh_"),
            body=json.dumps(event.to_dict(mode="json")).encode(),
        )

    def _try(self, delivery: Delivery) -> None:
        headers = signed(delivery.body, delivery.endpoint.secret, webhook_id=delivery.webhook_id)
        delivery.statuses.append(post(delivery.endpoint.url, delivery.body, headers))
        pause = self.first_pause_seconds * 2 ** len(delivery.statuses)
        delivery.due = time.monotonic() + min(pause, _LONGEST_PAUSE_SECONDS)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
    """The status that a URL answers with; None if it does not."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310
    # To this machine, past any proxy; a redirect is an answer as any other, and no success.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)
    except OSError:
        return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """OpenAI follows none."""

    def redirect_request(self, *_: object) -> None:
        """Nothing to go on with."""
