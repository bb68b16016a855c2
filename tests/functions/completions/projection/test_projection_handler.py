"""``Project``, from its event to its answer."""

from collections.abc import Iterator

import pytest

from functions.clients.dynamodb import Table
from functions.completions.handlers import project as module
from functions.completions.handlers.project import handler
from functions.errors import InvalidMessageError, PineconeRejectedError
from local.standins.pinecone import Fault
from tests.functions.completions.projection.projected_words import (
    NAMESPACE,
    Words,
    label,
    word,
    words_in,
)
from tests.functions.invocations import Context

NOTHING = {"projected": 0, "missing": 0, "failed": 0, "remaining": False}


@pytest.fixture
def words(label_table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Words]:
    with words_in(label_table) as found:
        variables = {
            "LABEL_TABLE": label_table.name,
            "PINECONE_API_KEY_SECRET_ARN": "pinecone-key",
            "PINECONE_INDEX_HOST": found.pinecone.host,
            "PINECONE_NAMESPACE": NAMESPACE,
            "PINECONE_UPDATES_PER_SECOND": "95",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        module._collaborators.cache_clear()
        yield found
        _, _, index = module._collaborators()
        index.close()
        module._collaborators.cache_clear()


def test_marked_words_are_projected_and_counted(
    words: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    words.add(label(word(1)), label(word(2)))
    words.add_labels(label(word(3)))

    answer = handler({}, Context())

    assert answer == {"projected": 2, "missing": 1, "failed": 0, "remaining": False}
    assert words.metadata(word(2))["valid_labels"] == ["DATE"]
    metrics = capsys.readouterr().out
    assert '"WordsProjected":[2.0]' in metrics.replace(" ", "")
    assert '"VectorsMissing":[1.0]' in metrics.replace(" ", "")


def test_a_second_projector_leaves_it_to_the_first(words: Words) -> None:
    words.add(label())
    words.table.put({"PK": "LEASE", "SK": "PROJECTION", "owner": "first", "until": 2**40})

    assert handler({}, Context()) == NOTHING

    assert words.marks()


def test_nothing_is_begun_when_the_invocation_is_about_to_end(words: Words) -> None:
    words.add(label())
    assert handler({}, Context(seconds=40)) == NOTHING
    assert words.marks()


def test_a_pinecone_that_refuses_is_the_callers_to_see(words: Words) -> None:
    words.add(label())
    words.pinecone.faults.add(Fault(operation="fetch", status=404, times=None))
    with pytest.raises(PineconeRejectedError):
        handler({}, Context())


def test_a_missing_variable_is_named(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.delenv("PINECONE_INDEX_HOST")
        with pytest.raises(InvalidMessageError, match="PINECONE_INDEX_HOST"):
            handler({}, Context())
