"""What may be in Secrets Manager where a key should be: a key, or an error that hides it."""

import traceback
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.openai import OpenAIService
from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.errors import AwsRejectedError, FlowError
from tests.functions.bad_input.answers import AnsweringServer, answer
from tests.functions.bad_input.inputs import HALF_A_CHARACTER, few

MARK = "sk-marked-0123456789"
REFUSED = answer(b'{"error": {"message": "No."}}', status=401)
# AWS takes any text of whole characters that is not empty.
around = st.text(max_size=8) | st.sampled_from(["\n", "\r\n", "\x00", "é", '"}', "\t", " "])
keys = st.builds(lambda a, b: f"{a}{MARK}{b}", around, around) | st.just(f'{{"key": "{MARK}"}}')


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        running.give(REFUSED)
        yield running


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


@few
@given(key=keys)
@example(key=f"{MARK}\n{MARK}")
@example(key=f"{MARK}\x00")
@example(key=f"{MARK}é")
@example(key=MARK * 2_000)
def test_no_text_in_the_place_of_a_key_is_shown_or_breaks_anything(
    server: AnsweringServer, secret: Secret, key: str
) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString=key)
    openai = OpenAIService(
        Secret("openai-key"), base_url=server.url, timeout_seconds=5, max_retries=0
    )
    index = VectorIndex(Secret("openai-key"), host=server.url, namespace="words", timeout_seconds=5)
    for call in (lambda: openai.file_exists("file-1"), lambda: index.existing(["a"])):
        with pytest.raises(FlowError) as failed:
            call()
        assert MARK not in shown(failed.value)
    index.close()


@pytest.mark.parametrize("binary", [MARK.encode(), b"\xff\x00" + MARK.encode()])
def test_a_key_that_was_set_as_bytes_is_refused(aws: None, binary: bytes) -> None:
    boto3.client("secretsmanager").create_secret(Name="openai-key", SecretBinary=binary)

    with pytest.raises(AwsRejectedError, match="openai-key is no text") as failed:
        Secret("openai-key").read()

    assert MARK not in shown(failed.value)


@pytest.mark.parametrize("arn", ["", "..", "a b", "x" * 3_000, HALF_A_CHARACTER])
def test_a_name_of_no_secret_is_our_error(aws: None, arn: str) -> None:
    with pytest.raises(FlowError):
        Secret(arn).read()
