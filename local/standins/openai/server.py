"""The stand-in itself: a server on loopback, its state, and its controls."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Self

from local.standins.openai.answers import Answers
from local.standins.openai.app import Dispatcher
from local.standins.openai.background import Background
from local.standins.openai.batches import Batches
from local.standins.openai.calls import CallLog
from local.standins.openai.faults import Faults, Latency
from local.standins.openai.file_batches import FileBatches
from local.standins.openai.files import Files
from local.standins.openai.job_courses import JobCourses
from local.standins.openai.job_plans import JobPlans
from local.standins.openai.jobs import Job
from local.standins.openai.labels import Truth
from local.standins.openai.line_plans import LinePlans
from local.standins.openai.plans import Plans
from local.standins.openai.records import FileBatch, Store, StoredFile
from local.standins.openai.responses import Responses
from local.standins.openai.routes import Resource
from local.standins.openai.state import State
from local.standins.openai.store_files import StoreFiles
from local.standins.openai.vector_stores import VectorStores
from local.standins.openai.webhooks import Webhooks
from local.standins.serving import HOST, Serving


class OpenAIStandIn:
    """OpenAI on this machine, between ``start`` and ``stop`` or inside a ``with``.

    ``port`` 0 takes a free one. ``api_keys`` are the keys that are accepted; None accepts any.
    ``clock`` gives Unix seconds, and so decides when stores and files expire. ``faults``,
    ``latency``, ``plans``, ``job_plans``, ``line_plans`` and ``answers`` say what is to happen,
    ``calls`` what did; ``webhooks`` are told of jobs' ends. What it holds stays when it stops, and
    is there when it is started again.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        api_keys: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = State(clock)
        stopping = threading.Event()
        self.plans = Plans()
        self.job_plans = JobPlans()
        self.line_plans = LinePlans()
        self.answers = Answers()
        self.calls = CallLog()
        self._background = Background(stopping)
        self._responses = Responses(self._state, self.answers)
        self._courses = JobCourses(
            state=self._state,
            line_plans=self.line_plans,
            respond=self._responses.respond,
            background=self._background,
        )
        self.webhooks = Webhooks(self._state, self._courses, stopping)
        resources: tuple[Resource, ...] = (
            Files(self._state),
            VectorStores(self._state),
            StoreFiles(self._state),
            FileBatches(self._state, self.plans),
            self._responses,
            Batches(self._state, self.job_plans, self._courses),
        )
        routes = [route for resource in resources for route in resource.routes()]
        self.operations = tuple(route.operation for route in routes)
        self.faults = Faults(self.operations)
        self.latency = Latency(self.operations)
        self.api_keys = None if api_keys is None else set(api_keys)
        app = Dispatcher(
            state=self._state,
            faults=self.faults,
            latency=self.latency,
            calls=self.calls,
            api_keys=self.api_keys,
            stopping=stopping,
        ).app(routes)
        self._serving = Serving("OpenAI stand-in", app, port, stopping)

    def start(self) -> None:
        """Listen and serve in a thread; OSError if the port is taken."""
        self._serving.start()
        self.webhooks.start()

    def stop(self) -> None:
        """Release whoever waits, close every connection, and wait for the threads' end."""
        self._serving.stop()
        self.webhooks.stop()
        self._background.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._serving.port

    @property
    def base_url(self) -> str:
        """What the SDK takes as ``base_url``."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def files(self) -> Mapping[str, StoredFile]:
        """The files now held, by id."""
        with self._state.lock:
            return dict(self._state.files)

    @property
    def vector_stores(self) -> Mapping[str, Store]:
        """The vector stores now held, by id, with what is attached to them."""
        with self._state.lock:
            return dict(self._state.stores)

    @property
    def file_batches(self) -> Mapping[str, FileBatch]:
        """The file batches now held, by id."""
        with self._state.lock:
            return dict(self._state.batches)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The batch jobs now held, by id."""
        with self._state.lock:
            return dict(self._state.jobs)

    @property
    def truth(self) -> Truth | None:
        """What is true of labels; where it is silent, or None, they are judged by rule."""
        return self._responses.truth

    @truth.setter
    def truth(self, truth: Truth | None) -> None:
        self._responses.truth = truth

    @property
    def enqueued_token_limit(self) -> int | None:
        """The prompt tokens that the jobs of a model may have under way; None is no limit."""
        return self._courses.enqueued_token_limit

    @enqueued_token_limit.setter
    def enqueued_token_limit(self, limit: int | None) -> None:
        self._courses.enqueued_token_limit = limit

    def expire_vector_store(self, store_id: str) -> None:
        """End a store's time now."""
        with self._state.lock:
            self._state.stores[store_id].expires_at = self._state.now()
