"""Functions' URLs: what a request becomes, and what becomes of an answer."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from local.aws import Aws
from local.embedded import EmbeddedAws
from local.resources import ResourceError, creator

URL, PERMISSION = "aws:lambda/functionUrl:FunctionUrl", "aws:lambda/permission:Permission"


@pytest.fixture(scope="module")
def embedded(
    make_embedded: Callable[..., EmbeddedAws], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedAws]:
    with make_embedded(tmp_path_factory.mktemp("consumed") / "batches") as running:
        yield running


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.embedded
def test_a_request_becomes_an_event(embedded: EmbeddedAws, http: httpx2.Client) -> None:
    url = embedded.outputs["answeringUrl"]
    content = '{"größe": 1}'.encode()
    headers = {"Webhook-Id": "wh_1", "Content-Type": "application/json; charset=utf-8"}

    answer = http.post(f"{url}a/b%20c?d=1&e=&d=2", content=content, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    event = answer.json()
    assert event["version"] == "2.0"
    assert (event["rawPath"], event["rawQueryString"]) == ("/a/b c", "d=1&e=&d=2")
    assert event["headers"]["webhook-id"] == "wh_1"
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["path"] == "/a/b c"
    assert url.rstrip("/").endswith(event["requestContext"]["apiId"])
    assert (event["body"], event["isBase64Encoded"]) == (content.decode(), False)


@pytest.mark.embedded
def test_a_body_that_is_no_text_is_in_base64(embedded: EmbeddedAws, http: httpx2.Client) -> None:
    url = embedded.outputs["answeringUrl"]
    for kind in ("application/octet-stream", "application/x-www-form-urlencoded"):
        event = http.post(url, content=b"\xff=1", headers={"content-type": kind}).json()
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == b"\xff=1"


@pytest.mark.embedded
def test_a_request_without_a_body_has_none(embedded: EmbeddedAws, http: httpx2.Client) -> None:
    event = http.get(embedded.outputs["answeringUrl"]).json()
    assert "body" not in event
    assert (event["rawPath"], event["isBase64Encoded"]) == ("/", False)


@pytest.mark.embedded
def test_an_answer_is_what_the_function_says(embedded: EmbeddedAws, http: httpx2.Client) -> None:
    url = embedded.outputs["answeringUrl"]
    whole = http.get(url, params={"answer": "whole"})
    assert (whole.status_code, whole.content) == (418, b"bytes \xff")
    assert (whole.headers["content-type"], whole.headers["x-own"]) == ("text/plain", "1")
    assert whole.headers.get_list("set-cookie") == ["a=1", "b=2"]
    status = http.get(url, params={"answer": "status"})
    assert (status.status_code, status.content) == (204, b"")
    text = http.get(url, params={"answer": "text"})
    assert (text.status_code, text.text) == (200, "just text")
    assert http.get(url, params={"answer": "nothing"}).text == "null"


@pytest.mark.embedded
def test_what_cannot_be_done_is_told_in_a_status(
    embedded: EmbeddedAws, http: httpx2.Client
) -> None:
    url = embedded.outputs["answeringUrl"]
    failed = http.get(url, params={"answer": "unheard of"})
    assert (failed.status_code, failed.json()) == (502, {"Message": "Internal Server Error"})
    assert http.post(url, content=b"x" * (6 * 2**20 + 1)).status_code == 413
    assert http.get(f"{embedded.endpoint_url}/lambda-url/unknown/").status_code == 403


@pytest.mark.embedded
def test_a_url_that_the_program_opens_to_nobody_answers_nobody(
    embedded: EmbeddedAws, http: httpx2.Client
) -> None:
    answer = http.post(embedded.outputs["closedUrl"], json={"Records": []})
    assert (answer.status_code, answer.json()) == (403, {"Message": "Forbidden"})


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (URL, {"functionName": "f", "authorizationType": "AWS_IAM"}),
        (
            URL,
            {"functionName": "f", "authorizationType": "NONE", "invokeMode": "RESPONSE_STREAM"},
        ),
        (
            PERMISSION,
            {
                "function": "f",
                "principal": "*",
                "action": "lambda:InvokeFunction",
                "functionUrlAuthType": "NONE",
            },
        ),
        (
            PERMISSION,
            {
                "function": "f",
                "principal": "*",
                "action": "lambda:InvokeFunctionUrl",
                "invokedViaFunctionUrl": True,
            },
        ),
    ],
)
def test_what_would_not_be_as_on_aws_is_refused(token: str, inputs: dict[str, Any]) -> None:
    """Before anything is asked of an AWS, which is not up."""
    with pytest.raises(ResourceError, match=r"embedded|AWS takes"):
        creator(token)(Aws(), "front-door", inputs)


@pytest.mark.embedded
def test_a_permission_is_a_statement_of_the_functions_policy(embedded: EmbeddedAws) -> None:
    [url] = [
        each
        for each in embedded.deployment.of_type(URL)
        if each.outputs["functionUrl"] == embedded.outputs["answeringUrl"]
    ]
    policy = embedded.client("lambda").get_policy(FunctionName=url.inputs["functionName"])["Policy"]
    actions = {statement["Action"] for statement in json.loads(policy)["Statement"]}
    assert actions == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
