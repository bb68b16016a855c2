"""What ``python -m local`` refuses, and that it says so in a sentence."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack
from local.cli import main
from local.interrupts import interruptible
from local.stack import OpenAIServer
from local.unpacked import Unpacked


@pytest.fixture(autouse=True)
def _without_key_and_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing here comes so far that a function would run."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    nothing = Unpacked(tmp_path / "code", tmp_path / "runtime", tmp_path / "compiled")
    monkeypatch.setattr(stack, "unpacked", lambda: nothing)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required"),
        (["down"], "invalid choice: 'down'"),
        (["up", "--config", "vectorStorePollMaxAttempts"], "is not KEY=VALUE"),
        (["up", "--config", "=3"], "'=3' is not KEY=VALUE"),
        (["up", "--config", "openaiBaseUrl=http://a"], "is chosen with --openai-base-url"),
        (["up", "--port", "70000"], "'70000' is no port"),
        (["up", "--port", "-1"], "'-1' is no port"),
        (["up", "--outputs", "/nowhere/outputs.json"], "there is no directory /nowhere"),
        (["demo", "--report", "/"], "/ is a directory"),
        (["demo", "--port", "1"], "unrecognized arguments"),
        (["up", "--openai", "real"], "set OPENAI_API_KEY in the environment"),
        (["up", "--openai", "real", "--openai-base-url", "http://a"], "not allowed with argument"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_busy_port_is_one_sentence(busy_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--port", str(busy_port)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert f"port {busy_port} of 127.0.0.1 is taken" in told[0]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("vectorStorePollMaxAttempt=3", "is it openai-batch-flows:vectorStorePollMaxAttempts?"),
        ("vectorStorePollMaxAttempts=many", "must be of type integer, not 'many'"),
        ("vectorStorePollMaxAttempts=-1", "vectorStorePollMaxAttempts is '-1'"),
        ("ingestVisibilityTimeoutSeconds=1", "ingestVisibilityTimeoutSeconds is 1"),
    ],
)
def test_a_wrong_configuration_is_told_without_a_traceback(
    setting: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--config", setting]) == 2
    told = capfd.readouterr().err
    assert sentence in told
    assert "Traceback" not in told


def test_the_first_line_says_what_is_happening(
    busy_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["up", "--port", str(busy_port)])
    assert capsys.readouterr().out.startswith("Deploying the Pulumi program onto an AWS inside")


def test_outputs_of_an_earlier_run_are_gone_before_the_new_ones_come(
    busy_port: int, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text("{}")
    assert main(["up", "--port", str(busy_port), "--outputs", str(outputs)]) == 2
    assert not outputs.exists()


def test_the_key_is_in_no_representation() -> None:
    assert "sk-secret" not in repr(OpenAIServer(key="sk-secret"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_only_the_first_signal_interrupts(number: signal.Signals) -> None:
    before, cleaned_up = signal.getsignal(number), []

    def work() -> None:
        with interruptible():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)
                cleaned_up.append(number)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert cleaned_up == [number]
    assert signal.getsignal(number) == before
