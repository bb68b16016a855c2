"""``Apply`` as the state machine calls it."""

from collections.abc import Iterator

import pytest

from functions.clients.dynamodb import Table
from functions.clients.s3 import Bucket
from functions.completions.handlers import apply as module
from functions.completions.handlers.apply import handler
from functions.completions.vocabulary import ValidationStatus
from functions.errors import InvalidItemError, InvalidMessageError
from tests.functions.completions.judgement.answered_batches import (
    BATCH,
    answer,
    collected,
    end,
    held,
    put,
    statuses,
)
from tests.functions.completions.judgement.answered_lines import result, target
from tests.functions.conftest import LogLines
from tests.functions.invocations import Context

DATE, TIME = target(1, "DATE"), target(2, "TIME")
EVENT = {"batchId": BATCH, "chunk": "00001"}


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, label_table: Table, bucket: Bucket
) -> Iterator[None]:
    monkeypatch.setenv("LABEL_TABLE", label_table.name)
    monkeypatch.setenv("BATCH_BUCKET", bucket.name)
    monkeypatch.setenv("COMPLETION_MAX_ATTEMPTS", "2")
    module._collaborators.cache_clear()
    yield
    module._collaborators.cache_clear()


def test_a_chunk_is_applied(
    label_table: Table, bucket: Bucket, logged: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    put(label_table, held(DATE), held(TIME, attempts=1))
    said = [result(DATE, True), result("a word of the receipt", False)]
    collected(label_table, bucket, answer(said, [DATE, TIME]))

    assert handler(EVENT, Context()) == {}

    assert statuses(label_table, DATE, TIME) == [
        (ValidationStatus.VALID, BATCH),
        (ValidationStatus.NEEDS_REVIEW, BATCH),
    ]
    [line] = logged()
    assert (line["batch_id"], line["chunk"], line["targets"]) == (BATCH, "00001", 2)
    assert "word of the receipt" not in str(line)
    written = capsys.readouterr().out
    assert '"AnswersUnusable":[1.0]' in written
    assert '"AnswersForeign":[1.0]' in written
    end(label_table)


@pytest.mark.parametrize("event", [{}, {"batchId": BATCH}, {"batchId": BATCH, "chunk": 1}])
def test_an_event_that_names_no_chunk_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(InvalidMessageError, match="chunk"):
        handler(event, Context())


def test_a_failure_is_none_of_its_results(label_table: Table) -> None:
    with pytest.raises(InvalidItemError, match=f"there is no batch {BATCH}"):
        handler(EVENT, Context())
