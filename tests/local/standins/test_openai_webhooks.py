"""The OpenAI stand-in's webhooks: jobs end by themselves, and who listens is told of it."""

import base64
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from openai.types.webhooks import BatchFailedWebhookEvent

from local.standins.openai import JobPlan, OpenAIStandIn
from local.standins.openai.webhooks import MOST_TRIES, post, signed
from tests.local.standins.openai_jobs import ended, new_job

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


@dataclass
class Listener:
    """Takes what is posted, and answers with each of these statuses in turn, the last for ever."""

    statuses: list[int] = field(default_factory=lambda: [200])
    taken: list[tuple[bytes, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""
    seconds: float = 0
    """How long it takes to answer."""

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.taken.append((body, {k.lower(): v for k, v in self.headers.items()}))
            time.sleep(found.seconds)
            self.send_response(found.status())
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def hurried(openai_standin: OpenAIStandIn) -> OpenAIStandIn:
    """The stand-in, with its seconds a hundred times shorter."""
    openai_standin.webhooks.look_seconds = 0.01
    openai_standin.webhooks.first_pause_seconds = 0.002
    return openai_standin


@pytest.mark.parametrize("status", ["completed", "failed", "expired", "cancelled"])
def test_a_job_ends_by_itself_and_its_end_is_told_as_openai_does(
    hurried: OpenAIStandIn,
    openai_client: OpenAI,
    listener: Listener,
    eventually: Callable[..., Any],
    status: Any,
) -> None:
    hurried.job_plans.add(JobPlan(status=status))
    hurried.webhooks.add(listener.url, SECRET)

    job = new_job(openai_client)
    eventually(lambda: listener.taken)

    [(body, headers)] = listener.taken
    event = openai_client.webhooks.unwrap(body, headers, secret=SECRET)
    assert event.type == f"batch.{status}"
    assert isinstance(event.to_dict()["data"], dict)
    assert (event.to_dict()["data"], event.object) == ({"id": job.id}, "event")
    assert event.id.startswith("evt_")
    assert headers["webhook-id"].startswith("wh_")
    assert headers["content-type"] == "application/json"
    assert hurried.calls.count("batches.retrieve") == 0
    assert openai_client.batches.retrieve(job.id).status == status


def test_what_is_not_taken_is_delivered_again_as_the_same(
    hurried: OpenAIStandIn,
    openai_client: OpenAI,
    listener: Listener,
    eventually: Callable[..., Any],
) -> None:
    listener.statuses = [500, 302, 429, 204]
    hurried.job_plans.add(JobPlan(status="failed"))
    hurried.webhooks.add(listener.url, SECRET)
    new_job(openai_client)

    eventually(lambda: hurried.webhooks.deliveries and hurried.webhooks.deliveries[0].is_over)

    [delivery] = hurried.webhooks.deliveries
    assert delivery.statuses == [500, 302, 429, 204]
    assert {headers["webhook-id"] for _, headers in listener.taken} == {delivery.webhook_id}
    assert {body for body, _ in listener.taken} == {delivery.body}
    for body, headers in listener.taken:
        event = openai_client.webhooks.unwrap(body, headers, secret=SECRET)
        assert isinstance(event, BatchFailedWebhookEvent)


def test_a_url_where_nobody_listens_is_given_up(
    hurried: OpenAIStandIn, openai_client: OpenAI, eventually: Callable[..., Any]
) -> None:
    hurried.webhooks.add("http://127.0.0.1:9/", SECRET)
    new_job(openai_client)
    eventually(lambda: hurried.webhooks.deliveries and hurried.webhooks.deliveries[0].is_over)
    assert hurried.webhooks.deliveries[0].statuses == [None] * MOST_TRIES


def test_a_job_that_had_ended_before_anybody_listened_is_not_told_of(
    hurried: OpenAIStandIn,
    openai_client: OpenAI,
    listener: Listener,
    eventually: Callable[..., Any],
) -> None:
    ended(openai_client, new_job(openai_client))
    hurried.webhooks.add(listener.url, SECRET)
    later = new_job(openai_client)
    eventually(lambda: listener.taken)
    assert [delivery.job_id for delivery in hurried.webhooks.deliveries] == [later.id]


def test_without_a_listener_a_job_moves_when_it_is_looked_at_alone(
    hurried: OpenAIStandIn, openai_client: OpenAI
) -> None:
    job = new_job(openai_client)
    assert [thread.name for thread in threading.enumerate() if "webhooks" in thread.name] == []
    assert hurried.jobs[job.id].status == "validating"


def test_it_stops_in_the_middle_and_goes_on_when_it_is_started_again(
    hurried: OpenAIStandIn,
    openai_client: OpenAI,
    listener: Listener,
    eventually: Callable[..., Any],
) -> None:
    listener.statuses, listener.seconds = [500], 0.5
    hurried.webhooks.add(listener.url, SECRET)
    new_job(openai_client)
    eventually(lambda: listener.taken)

    hurried.stop()
    assert [thread.name for thread in threading.enumerate() if "webhooks" in thread.name] == []
    listener.statuses, listener.seconds = [200], 0
    hurried.start()

    eventually(lambda: hurried.webhooks.deliveries[0].is_over)
    assert hurried.webhooks.deliveries[0].statuses[-1] == 200


def test_a_signature_is_of_the_id_the_time_and_the_body(openai_client: OpenAI) -> None:
    headers = signed(b"{}", SECRET)
    openai_client.webhooks.verify_signature(b"{}", headers, secret=SECRET)
    for changed in ({"webhook-id": "wh_other"}, {"webhook-timestamp": "1"}):
        with pytest.raises(InvalidWebhookSignatureError):
            openai_client.webhooks.verify_signature(b"{}", {**headers, **changed}, secret=SECRET)


def test_a_redirect_is_not_followed(listener: Listener) -> None:
    listener.statuses = [301]
    assert post(listener.url, b"{}", signed(b"{}", SECRET)) == 301
    assert len(listener.taken) == 1
