"""A moto server on loopback: the AWS that everything else in this package talks to."""

import json
import logging
import os
import socket
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"
ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_SESSION_TOKEN": "embedded",
}
# As long as the longest Lambda, and never twice: a retried invocation would run twice.
_CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=960,
    retries={"total_max_attempts": 1},
    max_pool_connections=50,
    proxies={},
)
# What a session reads from the developer's own configuration, turned off.
_NO_PROFILE = dict.fromkeys(("profile", "config_file"), (None, None, None, None))
_state_lock = threading.Lock()


class AwsError(RuntimeError):
    """The embedded AWS could not start."""


class Aws:
    """One moto server. moto keeps its state in the process, so only one can be up at a time."""

    def __init__(self, *, port: int = 0, region: str = DEFAULT_REGION) -> None:
        self.region = region
        self.account = ACCOUNT
        self._requested_port = port
        self._session = _session(region)
        self._clients: dict[tuple[str, str], Any] = {}
        self._clients_lock = threading.Lock()
        self._running = ExitStack()
        self._endpoint_url: str | None = None

    @property
    def endpoint_url(self) -> str:
        """Where any AWS client can be pointed; AwsError while the server is down."""
        if self._endpoint_url is None:
            raise AwsError("the embedded AWS is not running: start() it first")
        return self._endpoint_url

    def client(self, service: str, caller: str | None = None) -> Any:
        """A boto3 client of ``service`` here, whatever the developer's own AWS settings are.

        ``caller`` is whose calls they are, where that is to be known: see local/calls_made.py.
        """
        caller = caller or CREDENTIALS["AWS_ACCESS_KEY_ID"]
        with self._clients_lock:
            if (service, caller) not in self._clients:
                self._clients[service, caller] = self._session.client(  # type: ignore[call-overload]
                    service,
                    endpoint_url=self.endpoint_url,
                    config=_CLIENT_CONFIG,
                    aws_access_key_id=caller,
                    aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
                )
            return self._clients[service, caller]

    def start(self) -> Self:
        """Serve; AwsError names the port if it is taken, or says that another one is up."""
        if not _state_lock.acquire(blocking=False):
            raise AwsError("an embedded AWS is already running in this process: stop it first")
        with ExitStack() as started:
            started.callback(_state_lock.release)
            started.enter_context(_quiet("werkzeug", logging.ERROR))
            # Its interpreter prints the whole parse tree of every state that fails.
            started.enter_context(_quiet("moto.stepfunctions", logging.CRITICAL))
            port = started.enter_context(_served(self._requested_port))
            started.enter_context(_environment(port))
            started.enter_context(_default_session(_session(self.region)))
            self._endpoint_url = f"http://{HOST}:{port}"
            started.callback(self._forget)
            started.enter_context(self._executing())
            self._running = started.pop_all()
        return self

    def stop(self) -> None:
        """Stop serving and forget everything; more than once does no harm."""
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @contextmanager
    def _executing(self) -> Iterator[None]:
        """State machines run for real, and nothing is left of an earlier run, nor for the next."""
        self._moto_api("reset", {})
        self._moto_api("config", {"stepfunctions": {"execute_state_machine": True}})
        try:
            yield
        finally:
            self._moto_api("config", {"stepfunctions": {"execute_state_machine": False}})
            self._moto_api("reset", {})

    def _moto_api(self, path: str, body: Mapping[str, Any]) -> None:
        """moto's own interface: https://docs.getmoto.org/en/latest/docs/server_mode.html"""
        request = urllib.request.Request(  # noqa: S310
            f"{self.endpoint_url}/moto-api/{path}", data=json.dumps(body).encode(), method="POST"
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=10).close()

    def _forget(self) -> None:
        with self._clients_lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._endpoint_url = None


def _session(region: str) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=_NO_PROFILE),
    )


@contextmanager
def _served(port: int) -> Iterator[int]:
    # On a busy port ThreadedMotoServer waits for ever for a thread that has already ended.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise AwsError(
                f"port {port} of {HOST} is taken ({error.strerror}): choose another one, or 0"
            ) from error
    server = ThreadedMotoServer(ip_address=HOST, port=port, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


@contextmanager
def _environment(port: int) -> Iterator[None]:
    """What moto's state machines read when they call the other services through boto3."""
    unproxied = ",".join(filter(None, [os.environ.get("NO_PROXY"), "localhost", HOST]))
    wanted: dict[str, str | None] = {
        **CREDENTIALS,
        "MOTO_PORT": str(port),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PROFILE": None,
        "AWS_DEFAULT_PROFILE": None,
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
    }
    before = {name: os.environ.get(name) for name in wanted}
    _set_environment(wanted)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _default_session(session: boto3.session.Session) -> Iterator[None]:
    """moto's state machines make their clients from boto3's default session, many at a time.

    A session is not safe to use from several threads until its parts are loaded, which making a
    client does.
    """
    session.client("sts", endpoint_url=f"http://{HOST}").close()
    before, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, session
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before


@contextmanager
def _quiet(logger_name: str, level: int) -> Iterator[None]:
    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
