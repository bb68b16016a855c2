"""The verifier on the standard library against the openai package's own."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from functions.webhooks.refusals import Refusal, RefusedError
from functions.webhooks.signatures import Signature, signing_key
from local.standins.openai.webhooks import signed
from tests.functions.bad_input.inputs import NASTY_TEXTS, many
from tests.functions.webhooks.conftest import SECRET

NOW = 1_800_000_000
KEY = bytes(range(32))


@dataclass(frozen=True)
class Sent:
    """A delivery as it arrives."""

    body: str
    headers: Mapping[str, str]
    secret: str = SECRET


def refusal(sent: Sent) -> Refusal | None:
    """What ours says."""
    try:
        signature = Signature.of(sent.headers)
        signature.check_time(NOW)
        signature.check(sent.body, signing_key(sent.secret))
    except RefusedError as error:
        return error.refusal
    return None


def sdk_accepts(sent: Sent) -> bool:
    """What theirs says; of a signature that is not ASCII it says TypeError."""
    try:
        with time_machine.travel(NOW, tick=False):
            CLIENT.webhooks.verify_signature(sent.body, sent.headers, secret=sent.secret)
    except (ValueError, TypeError):
        return False
    return True


CLIENT = OpenAI(api_key="any")
texts = st.text(max_size=20) | st.sampled_from(NASTY_TEXTS)
timestamps = st.integers(NOW - 303, NOW + 303).map(str) | st.sampled_from(
    [
        f" {NOW}",
        f"+{NOW}",
        f"{NOW}.0",
        f"{NOW:_}",
        "٣",
        "",
        "nan",
        "-1",
        "9" * 5_000,
        str(NOW * 1000),
    ]
)


def signature(key: bytes, webhook_id: str, timestamp: str, body: str) -> str:
    content = f"{webhook_id}.{timestamp}.{body}".encode(errors="surrogatepass")
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


@st.composite
def deliveries(draw: st.DrawFn) -> Sent:
    """Good ones, and ones with anything wrong."""
    key = draw(st.binary(min_size=16, max_size=64))
    webhook_id, timestamp, body = draw(texts), draw(timestamps), draw(texts)
    right = signature(key, webhook_id, timestamp, body)
    others = [right, f"v1,{right}", f"v1a,{right}", f"v2,{right}", f"v1,v1,{right}", "v1,", "é"]
    others += [f"v1,{right[:-1]}", f"v1,{signature(b'another', webhook_id, timestamp, body)}"]
    listed = draw(st.lists(st.sampled_from(others), max_size=3))
    headers = {
        "webhook-id": draw(st.just(webhook_id) | texts),
        "webhook-timestamp": draw(st.just(timestamp) | timestamps),
        "webhook-signature": draw(st.sampled_from([" ", "  ", "\t", ","])).join(listed),
    }
    for name in draw(st.lists(st.sampled_from(sorted(headers)), max_size=1)):
        del headers[name]
    in_case = draw(st.sampled_from([str.lower, str.upper, str.title]))
    return Sent(
        body=draw(st.just(body) | texts),
        headers={in_case(name): value for name, value in headers.items()},
        secret=f"whsec_{base64.b64encode(key).decode()}",
    )


@many
@given(sent=deliveries())
def test_both_accept_and_both_refuse(sent: Sent) -> None:
    assert (refusal(sent) is None) == sdk_accepts(sent)


GOOD = signed(b"{}", SECRET, webhook_id="wh_1", at=NOW)
RIGHT = GOOD["webhook-signature"]


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, "{}", None),
        ({"webhook-signature": f"v1,{'A' * 43}= {RIGHT}"}, "{}", None),
        ({"webhook-signature": f"{RIGHT} v1,{'A' * 43}="}, "{}", None),
        ({"webhook-signature": RIGHT.removeprefix("v1,")}, "{}", None),
        ({"webhook-signature": f"v2,{RIGHT.removeprefix('v1,')}"}, "{}", Refusal.FORGED),
        ({"webhook-signature": ""}, "{}", Refusal.FORGED),
        ({"webhook-signature": "v1,\ud83d é"}, "{}", Refusal.FORGED),
        ({"webhook-id": "wh_2"}, "{}", Refusal.FORGED),
        ({"webhook-timestamp": str(NOW + 1)}, "{}", Refusal.FORGED),
        ({}, "{} ", Refusal.FORGED),
        ({"webhook-timestamp": "today"}, "{}", Refusal.UNSIGNED),
    ],
)
def test_what_is_accepted_and_what_is_refused(
    headers: dict[str, str], body: str, expected: Refusal | None
) -> None:
    sent = Sent(body, {**GOOD, **headers})
    assert refusal(sent) is expected
    assert sdk_accepts(sent) == (expected is None)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_all_three_headers_are_needed(name: str) -> None:
    sent = Sent("{}", {key: value for key, value in GOOD.items() if key != name})
    assert refusal(sent) is Refusal.UNSIGNED
    assert not sdk_accepts(sent)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-301, Refusal.STALE), (-300, None), (300, None), (301, Refusal.STALE)],
)
def test_five_minutes_to_both_sides_are_let_pass(seconds: int, expected: Refusal | None) -> None:
    sent = Sent("{}", signed(b"{}", SECRET, at=NOW + seconds))
    assert refusal(sent) is expected
    assert sdk_accepts(sent) == (expected is None)


@pytest.mark.parametrize("encoded", [KEY, b"k" * 16, b"\xff" * 24])
def test_a_signing_secret_is_its_key_in_base64(encoded: bytes) -> None:
    assert signing_key(f"whsec_{base64.b64encode(encoded).decode()}") == encoded


@pytest.mark.parametrize(
    "secret",
    [
        "not-yet",
        "",
        "whsec_",
        "whsec_!!!!",
        "whsec_not-yet",
        f"whsec_{base64.b64encode(b'k' * 15).decode()}",
        base64.b64encode(KEY).decode(),
        f"sk-{'a' * 40}",
        "whsec_é" + "a" * 40,
    ],
)
def test_with_what_is_no_signing_secret_nothing_is_accepted(secret: str) -> None:
    with pytest.raises(RefusedError) as refused:
        signing_key(secret)
    assert refused.value.refusal is Refusal.NOT_READY
