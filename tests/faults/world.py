"""The deployed program, OpenAI, Pinecone and a small web, in one process and under one clock."""

import functools
import os
import random
import ssl
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.loaders import create_loader
from botocore.session import Session
from moto import mock_aws

from functions import observability
from functions.completions import entities
from functions.completions.projection import marks
from local.aws import DEFAULT_REGION
from local.sample_web import SampleWeb
from local.standins.openai import OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from local.tables import fit_for_many_items
from tests.faults.clock import Clock, virtual_time
from tests.faults.deployed import OPENAI_KEY, PINECONE_KEY, Stack, deployed
from tests.faults.in_turn import one_thread
from tests.faults.seam import Seam
from tests.faults.wire import Wire

NewWorld = Callable[[], "World"]


@dataclass(frozen=True, kw_only=True)
class World:
    """All there is. OpenAI and Pinecone are stand-ins, spoken to by their own SDKs."""

    clock: Clock
    seam: Seam
    stack: Stack
    openai: OpenAIStandIn
    pinecone: PineconeStandIn
    web: SampleWeb


@contextmanager
def worlds(config: Mapping[str, str] | None = None) -> Iterator[NewWorld]:
    """Deploys once, and makes world after world of it: in each there is nothing yet."""
    with ExitStack() as entered:
        clock = entered.enter_context(virtual_time())
        entered.enter_context(_nobodys_account())
        entered.enter_context(_few_shards())
        entered.enter_context(mock_aws())
        entered.enter_context(fit_for_many_items())
        _use_a_session_of_its_own()
        entered.enter_context(_clients_made_once())
        openai = entered.enter_context(OpenAIStandIn(api_keys=[OPENAI_KEY]))
        pinecone = entered.enter_context(PineconeStandIn(api_keys=[PINECONE_KEY]))
        web = entered.enter_context(SampleWeb())
        wire = Wire(openai, pinecone)
        stack = deployed(
            openai_base_url=openai.base_url, pinecone_host=pinecone.host, config=config
        )
        entered.enter_context(one_thread())
        entered.enter_context(_logs_kept_quiet())
        in_place = entered.enter_context(ExitStack())

        def new_world() -> World:
            in_place.close()
            clock.start_again()
            in_place.enter_context(_the_same_ids_each_time())
            stack.empty()
            _empty(openai, pinecone)
            stack.seam = Seam(lose_next_answer=wire.lose_next_answer)
            in_place.enter_context(wire.in_place(stack.seam))
            in_place.enter_context(stack.seam.in_place())
            return World(
                clock=clock,
                seam=stack.seam,
                stack=stack,
                openai=openai,
                pinecone=pinecone,
                web=web,
            )

        yield new_world


def _empty(openai: OpenAIStandIn, pinecone: PineconeStandIn) -> None:
    state = openai._state
    with state.lock:
        for held in (state.files, state.stores, state.batches, state.jobs):
            held.clear()
    for told in (openai.faults, openai.plans, openai.job_plans, openai.line_plans, pinecone.faults):
        told.clear()
    openai.truth = None
    openai.calls.clear()
    pinecone._vectors._namespaces.clear()


@contextmanager
def _few_shards() -> Iterator[None]:
    """Marks are listed shard by shard: two of these calls are as good as eight."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (entities, marks):
            patch.setattr(module, "MARK_SHARDS", 2)
        yield


@contextmanager
def _clients_made_once() -> Iterator[None]:
    """What knows nothing of a world, and takes as long to be made as many calls take."""
    with pytest.MonkeyPatch.context() as patch:
        for module, maker in (
            (boto3, "client"),
            (boto3, "resource"),
            (ssl, "create_default_context"),
        ):
            patch.setattr(module, maker, functools.cache(getattr(module, maker)))
        yield


@contextmanager
def _the_same_ids_each_time() -> Iterator[None]:
    """Batches come in the order of theirs, and each play of a scenario must make the same calls."""
    ids = random.Random(0)  # noqa: S311 - it is their predictability that is wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4))
        yield


@contextmanager
def _nobodys_account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", DEFAULT_REGION)
        patch.setenv("AWS_REGION", DEFAULT_REGION)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # moto's, so that queues are emptied as often as there are worlds.
        patch.setenv("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false")
        yield


@contextmanager
def _logs_kept_quiet() -> Iterator[None]:
    """Thousands of runs log what they meet."""
    handler: Any = observability.logger().registered_handler
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open("w") as nowhere:
        patch.setattr(handler, "stream", nowhere)
        yield


def _use_a_session_of_its_own() -> None:
    session = Session()
    session.register_component("data_loader", create_loader())
    boto3.setup_default_session(botocore_session=session)
