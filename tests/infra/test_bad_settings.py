"""Whatever text a configuration holds: settings within their bounds, or SettingsError with the key.

The engine checks the types that ``Pulumi.yaml`` declares; here it is passed by.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pulumi
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.settings import Settings, SettingsError, load_settings
from tests.infra.conftest import ROOT, Recorded

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
DEFAULTS = {
    key: spec["default"] if isinstance(spec["default"], str) else json.dumps(spec["default"])
    for key, spec in DECLARED.items()
}
SECRETS = ("openaiApiKey", "pineconeApiKey", "webhookSecret")
TEXTS = (
    "", " ", "\x00", "\n", "\ud83d", "٣", "-0", "+1", "1e3", "1e400", "nan", "inf", "0x10", "1_0",
    "1.0", "10.5", "true", "TRUE", "null", "[]", "[1, 1]",
    '["80"]', "[1e400]", "{}", '""', "[true]",
    "9" * 20, "9" * 400, "9" * 5_000, "[" * 50_000, "[" + "9" * 5_000 + "]", "x" * 100_000,
    "https://", "http://[", "http://[::1", "http://a:99999999/v1", "https://a b", "http://é.example",
    "http://a:b@c", "localhost:", "localhost:99999999", "a.b:0", "[::1].x", "../..", "'; rm -rf /",
)  # fmt: skip
texts = st.sampled_from(TEXTS) | st.text(max_size=20) | st.integers().map(str)


def load(config: Mapping[str, str]) -> Settings:
    """What the program reads, for a configuration with these values on top of the defaults."""
    values = {**DEFAULTS, "openaiApiKey": "sk-test", **config}

    async def read() -> Settings:
        pulumi.runtime.set_mocks(Recorded(), project="p", stack="dev", preview=False)
        pulumi.runtime.set_all_config(
            {f"p:{key}": value for key, value in values.items()},
            secret_keys=[f"p:{key}" for key in SECRETS],
        )
        return load_settings()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()


def check_refusal(told: str) -> None:
    assert any(f"{key} is " in told for key in DECLARED), told


def check(config: Mapping[str, str]) -> None:
    """Settings that hold for what is made of them, or a refusal that names a key of those set."""
    try:
        found = load(config)
    except SettingsError as error:
        check_refusal(str(error))
        return
    assert abs(found.completion_max_enqueued_tokens or 0) < 10**38, "DynamoDB takes no more"
    for value in (found.polling, found.completion, found.completion_polling):
        assert json.dumps(vars(value), allow_nan=False)
    for url in (found.openai_base_url, found.pinecone_index_host):
        assert (httpx2.URL(url or "").port or 80) < 2**16


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_one_text_for_every_key(text: str) -> None:
    check(dict.fromkeys(DECLARED, text))


@settings(max_examples=200, derandomize=True)
@given(config=st.dictionaries(st.sampled_from(sorted(DECLARED)), texts, min_size=1, max_size=4))
@example(config={"completionMaxEnqueuedTokens": "9" * 60})
@example(config={"downloadPorts": "[" * 50_000})
@example(config={"openaiBaseUrl": "http://["})
@example(config={"openaiBaseUrl": "http://a:99999999/v1"})
@example(config={"openaiBaseUrl": "http://a\x00b/v1"})
@example(config={"pineconeIndexHost": "https://[.::1]"})
@example(config={"pineconeIndexHost": "a..b"})
def test_any_texts(config: dict[str, str]) -> None:
    check(config)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("text", ["", "\x00", "\ud83d", "sk-marked\n", "é", "{}", "x" * 100_000])
def test_a_secret_is_never_looked_into(key: str, text: str) -> None:
    with pytest.raises(SettingsError, match="ingestBatchSize") as refusal:
        load({key: f"{text}marked-secret", "ingestBatchSize": "0"})
    assert "marked-secret" not in str(refusal.value)
