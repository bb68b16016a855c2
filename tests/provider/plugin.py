"""The plugin as Pulumi starts it: a process that says its port and is asked over gRPC."""

import asyncio
import sys
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from tests.infra.conftest import ROOT
from tests.plugin_process import plugin_process

PLUGIN = ROOT / "provider"


@contextmanager
def plugin(cwd: Path, engine: str = "127.0.0.1:1") -> Iterator[Any]:
    """A client of the plugin, which is told to end afterwards, and does.

    The command is that of pulumi-language-python, run in the folder of somebody's program.
    """
    with plugin_process([sys.executable, "-u", str(PLUGIN), engine], cwd=cwd) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Pulumi's mock monitor, for a plugin that registers its resources from another process."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        self._mock = MockMonitor(mocks)

    def GetDeploymentInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        features = resource_pb2.ResourceMonitorFeature.values()
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def RegisterResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return self._mock.RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


class _Engine(engine_pb2_grpc.EngineServicer):
    """What the plugin logs is of no interest."""

    def Log(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


@contextmanager
def monitor(mocks: pulumi.runtime.Mocks) -> Iterator[str]:
    """The address of an engine that makes nothing and lets ``mocks`` say what it made."""
    loop = asyncio.new_event_loop()
    with futures.ThreadPoolExecutor(
        1, initializer=asyncio.set_event_loop, initargs=(loop,)
    ) as thread:
        server = grpc.server(thread)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Monitor(mocks), server)
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()
            loop.close()
