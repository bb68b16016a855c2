"""Lines of a job's output and error files, as OpenAI's Batch API has them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from functions.completions.identifiers import LabelId, ReceiptId

IMAGE = "0f9f3a10-6a0d-4b1e-9c6e-0f8f4f4c2d11"
RECEIPT = ReceiptId(image_id=IMAGE, receipt_id=1)

Object = dict[str, Any]


def target(word: int = 1, label: str = "DATE", *, line: int = 1, image: str = IMAGE) -> LabelId:
    """A label of a word."""
    return LabelId(image_id=image, receipt_id=1, line_id=line, word_id=word, label=label)


def result(about: LabelId | str, is_valid: Any, correct_label: Any = None) -> Object:
    """What the model says of one target."""
    id_ = about if isinstance(about, str) else about.target_id
    return {"id": id_, "is_valid": is_valid, "correct_label": correct_label}


def answering(results: Iterable[Any], **others: Any) -> bytes:
    """The line of a request that was answered."""
    return executed(response(json.dumps({"results": list(results)}), **others))


def response(*texts: str, **others: Any) -> Object:
    """A Response whose message has these texts."""
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": [reasoning, message],
        "usage": {"input_tokens": 900, "output_tokens": 70, "total_tokens": 970},
        **others,
    }


def executed(body: Any, *, status_code: Any = 200) -> bytes:
    """The line of a request that came to a response."""
    answer = {"status_code": status_code, "request_id": "req_1", "body": body}
    return line({"response": answer, "error": None})


def line(outcome: Mapping[str, Any]) -> bytes:
    """Any line."""
    return json.dumps({"id": "batch_req_1", "custom_id": RECEIPT.custom_id, **outcome}).encode()
