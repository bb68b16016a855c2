"""The OpenAI stand-in as a server: who may ask, what it does not know, how it starts and stops."""

import socket
import threading
import time

import httpx2
import pytest
from openai import APIConnectionError, AuthenticationError, OpenAI

from local.standins.openai import OpenAIStandIn


def test_a_key_must_be_there(openai_standin: OpenAIStandIn, http: httpx2.Client) -> None:
    response = http.get(f"{openai_standin.base_url}/files")
    assert response.status_code == 401
    assert "You didn't provide an API key" in response.json()["error"]["message"]


def test_any_key_will_do_unless_some_are_named(http: httpx2.Client) -> None:
    with OpenAIStandIn(api_keys=["sk-good"]) as standin:

        def client(key: str) -> OpenAI:
            return OpenAI(base_url=standin.base_url, api_key=key, http_client=http)

        assert client("sk-good").files.list().data == []
        with pytest.raises(AuthenticationError) as caught:
            client("sk-this-one-is-long-and-wrong").files.list()
        assert caught.value.code == "invalid_api_key"
        assert "long-and-wrong" not in str(caught.value), "a key is never repeated whole"

        assert standin.api_keys is not None
        standin.api_keys.remove("sk-good")
        with pytest.raises(AuthenticationError):
            client("sk-good").files.list()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/files", 405), ("DELETE", "/responses", 405)],
)
def test_an_unknown_url_is_answered_in_the_wires_shape(
    openai_standin: OpenAIStandIn, http: httpx2.Client, method: str, path: str, status: int
) -> None:
    response = http.request(method, openai_standin.base_url + path)
    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.headers["x-request-id"] == openai_standin.calls[-1].request_id
    assert openai_standin.calls.count("unknown", status=status) == 1


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(
    openai_standin: OpenAIStandIn, http: httpx2.Client, body: bytes
) -> None:
    response = http.post(
        f"{openai_standin.base_url}/vector_stores",
        content=body,
        headers={"Authorization": "Bearer k", "Content-Type": "application/json"},
    )
    assert response.status_code == 400
    assert "could not parse the JSON body" in response.json()["error"]["message"]


def test_a_busy_port_is_named(openai_standin: OpenAIStandIn) -> None:
    port = openai_standin.port
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: .*choose another port"):
        OpenAIStandIn(port=port).start()


def test_what_it_holds_outlives_a_stop(http: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    standin = OpenAIStandIn(port=port)
    with standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", http_client=http, max_retries=0)
        file = client.files.create(file=("a.md", b"x"), purpose="assistants")
    with pytest.raises(APIConnectionError):
        client.files.retrieve(file.id)
    with standin:
        assert client.files.retrieve(file.id) == file


def test_it_says_when_it_is_not_running(openai_standin: OpenAIStandIn) -> None:
    with pytest.raises(RuntimeError, match="is not running"):
        _ = OpenAIStandIn().base_url
    with pytest.raises(RuntimeError, match="is running already"):
        openai_standin.start()


def test_stopping_releases_whoever_waits_and_leaves_no_thread(http: httpx2.Client) -> None:
    before = set(threading.enumerate())
    standin = OpenAIStandIn()
    standin.start()
    standin.latency["files.list"] = 600
    client = OpenAI(base_url=standin.base_url, api_key="k", http_client=http, max_retries=0)
    errors: list[Exception] = []

    def ask() -> None:
        try:
            client.files.list()
        except APIConnectionError as error:
            errors.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    idle = socket.create_connection(("127.0.0.1", standin.port))
    while len(set(threading.enumerate()) - before - {waiting}) < 3:
        time.sleep(0.001)  # the server's thread, and one for each connection

    started = time.monotonic()
    standin.stop()
    standin.stop()
    waiting.join()
    idle.close()

    assert time.monotonic() - started < 2
    assert len(errors) == 1, "a connection that hung in a delay is dropped"
    assert set(threading.enumerate()) <= before
