"""What a file batch's status means for the flow."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from openai import OpenAI

from functions.clients.openai import FailedFile, OpenAIService
from functions.errors import BatchFailed, BatchPending, OpenAIUnavailableError
from functions.messages import CompletedBatch, FileBatchRef, RequestContext
from functions.vector_store_batch.check import check_batch
from local.standins.openai import BatchPlan, Fault, FileFailure, OpenAIStandIn
from tests.functions.conftest import API_KEY


class Batch:
    """A file batch at OpenAI, and what was recorded of its files."""

    def __init__(self, openai: OpenAIService, client: OpenAI, names: Sequence[str]) -> None:
        self._openai = openai
        self.client = client
        self.recorded: list[FailedFile] = []
        files = [
            client.files.create(file=(name, b"Some text."), purpose="assistants") for name in names
        ]
        store = client.vector_stores.create(name="news")
        batch = client.vector_stores.file_batches.create(
            store.id,
            files=[{"file_id": f.id, "attributes": {"ledgerKey": f.filename}} for f in files],
        )
        self.ref = FileBatchRef(
            vector_store_id=store.id,
            vector_store_name="news",
            batch_id=batch.id,
            context=RequestContext.parse({"domain": "example.com", "type": "news"}),
        )

    def check(self) -> CompletedBatch:
        return check_batch(self.ref, openai=self._openai, record_failure=self.recorded.append)


MakeBatch = Callable[..., Batch]


@pytest.fixture
def make_batch(standin: OpenAIStandIn, openai_service: OpenAIService) -> Iterator[MakeBatch]:
    with OpenAI(base_url=standin.base_url, api_key=API_KEY) as client:
        yield lambda *names: Batch(openai_service, client, names or ("a.txt", "b.txt"))


def test_a_completed_batch_goes_on_with_its_input_and_its_counts(
    standin: OpenAIStandIn, make_batch: MakeBatch
) -> None:
    standin.plans.add(BatchPlan(polls=0))
    batch = make_batch()
    assert batch.check().to_wire() == batch.ref.to_wire() | {
        "status": "completed",
        "fileCounts": {"inProgress": 0, "completed": 2, "failed": 0, "cancelled": 0, "total": 2},
    }


def test_a_batch_under_way_is_pending(standin: OpenAIStandIn, make_batch: MakeBatch) -> None:
    standin.plans.add(BatchPlan(polls=2))
    batch = make_batch()
    for _ in range(2):
        with pytest.raises(BatchPending, match="in_progress"):
            batch.check()
    assert batch.check().status == "completed"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_batch_that_ended_otherwise_has_failed(
    standin: OpenAIStandIn, make_batch: MakeBatch, status: Any
) -> None:
    standin.plans.add(BatchPlan(polls=0, status=status))
    with pytest.raises(BatchFailed, match=status):
        make_batch().check()


def test_a_completed_batch_of_which_no_file_completed_has_failed(
    standin: OpenAIStandIn, make_batch: MakeBatch
) -> None:
    standin.plans.add(BatchPlan(polls=0, failures=[FileFailure(code="server_error")]))
    batch = make_batch()
    with pytest.raises(BatchFailed, match="without any file"):
        batch.check()
    assert len(batch.recorded) == 2


def test_files_that_failed_are_recorded_with_their_reason_and_the_rest_goes_on(
    standin: OpenAIStandIn, make_batch: MakeBatch
) -> None:
    standin.plans.add(BatchPlan(polls=0))
    batch = make_batch("a.txt", "b.csv")
    assert batch.check().file_counts.failed == 1
    [failed] = batch.recorded
    assert failed.code == "unsupported_file"
    assert failed.attributes == {"ledgerKey": "b.csv"}
    assert failed.message


def test_failed_files_beyond_the_first_page_are_recorded(
    standin: OpenAIStandIn, make_batch: MakeBatch
) -> None:
    standin.plans.add(
        BatchPlan(polls=0, failures=[FileFailure(when=lambda f: f.filename != "good.txt")])
    )
    batch = make_batch("good.txt", *[f"{number}.txt" for number in range(130)])
    assert batch.check().file_counts.completed == 1
    assert len({failed.file_id for failed in batch.recorded}) == 130


def test_a_vector_store_that_comes_in_the_batchs_place_ends_nothing(
    standin: OpenAIStandIn, make_batch: MakeBatch
) -> None:
    standin.plans.add(BatchPlan(polls=0, wrong_objects=1))
    batch = make_batch()
    with pytest.raises(OpenAIUnavailableError, match="vector_store"):
        batch.check()
    assert batch.check().batch_id == batch.ref.batch_id


def test_a_batch_whose_store_has_gone_has_failed(make_batch: MakeBatch) -> None:
    batch = make_batch()
    batch.client.vector_stores.delete(batch.ref.vector_store_id)
    with pytest.raises(BatchFailed, match="gone"):
        batch.check()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_openais_own_trouble_is_neither_pending_nor_failed(
    standin: OpenAIStandIn, make_batch: MakeBatch, status: Any
) -> None:
    batch = make_batch()
    standin.faults.add(
        Fault(operation="vector_stores.file_batches.retrieve", status=status, times=None)
    )
    with pytest.raises(OpenAIUnavailableError):
        batch.check()
