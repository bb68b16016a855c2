"""A DynamoDB on loopback that holds real state, in a process of its own, so many seconds a call.

moto takes milliseconds of processor time for each item of a transaction, which would be most of
what is measured. This one knows what the label table's writers use, and refuses anything else.
"""

import json
import os
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from benchmarks.servers.expressions import Item, holds, updated
from benchmarks.servers.own_process import served_by

_HOST = "127.0.0.1"
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
_PAGE_BYTES = 1 << 20
_MOST_ACTIONS = 100

Request = Mapping[str, Any]
Answer = dict[str, Any]
_Key = tuple[str, str]


@contextmanager
def running(seconds_a_call: float) -> Iterator[None]:
    """An empty DynamoDB that this process's clients find, as if it were in their region."""
    with served_by(__name__, str(seconds_a_call)) as port:
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{_HOST}:{port}",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        }
        yield


class Refused(Exception):  # noqa: N818 - it is an answer
    """An error as DynamoDB words it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}


class Tables:
    """Tables with the keys ``PK`` and ``SK``, made by their first write; indexes ``GSIn``."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[str, Item]]] = {}
        self._one_at_a_time = threading.Lock()

    def answer(self, operation: str, request: Request) -> Answer:
        """What DynamoDB answers; Refused, or KeyError if this one does not know the operation."""
        operations: Mapping[str, Callable[[Request], Answer]] = {
            "GetItem": self._get,
            "Query": self._query,
            "Scan": self._scan,
            "PutItem": self._write,
            "UpdateItem": self._write,
            "DeleteItem": self._write,
            "TransactWriteItems": self._transact,
        }
        with self._one_at_a_time:
            return operations[operation](request)

    def _get(self, request: Request) -> Answer:
        item = self._item(request["TableName"], _key(request["Key"]))
        return {"Item": item} if item else {}

    def _query(self, request: Request) -> Answer:
        index = f"{request['IndexName']}" if "IndexName" in request else ""
        partition, sort = f"{index}PK", f"{index}SK"
        table = self._tables.get(request["TableName"], {})
        if index:
            candidates: Sequence[Item] = [
                item for items in table.values() for item in items.values() if partition in item
            ]
        else:
            wanted = request["ExpressionAttributeValues"]
            candidates = [
                item for value in wanted.values() for item in table.get(value["S"], {}).values()
            ]
        found = [item for item in candidates if holds(request, item, "KeyConditionExpression")]
        found.sort(key=lambda item: (str(item[sort]["S"]), _key(item)))
        return _page(found[: request.get("Limit")], request)

    def _scan(self, request: Request) -> Answer:
        table = self._tables.get(request["TableName"], {})
        return _page([item for items in table.values() for item in items.values()], request)

    def _write(self, request: Request) -> Answer:
        if not holds(request, self._item(request["TableName"], _key_of(request))):
            raise Refused("ConditionalCheckFailedException", message="The conditional failed")
        self._put(request)
        return {}

    def _transact(self, request: Request) -> Answer:
        writes = [write for item in request["TransactItems"] for write in item.values()]
        keys = {(write["TableName"], _key_of(write)) for write in writes}
        if not len(writes) == len(keys) <= _MOST_ACTIONS:
            raise Refused("ValidationException", message="too many actions, or two on an item")
        hold = [holds(write, self._item(write["TableName"], _key_of(write))) for write in writes]
        if not all(hold):
            reasons = [{"Code": "None" if one else "ConditionalCheckFailed"} for one in hold]
            raise Refused("TransactionCanceledException", CancellationReasons=reasons)
        for write in writes:
            self._put(write)
        return {}

    def _put(self, write: Request) -> None:
        name, key = write["TableName"], _key_of(write)
        partition = self._tables.setdefault(name, {}).setdefault(key[0], {})
        if "Item" in write:
            partition[key[1]] = write["Item"]
        elif "UpdateExpression" in write:
            partition[key[1]] = updated(write, self._item(name, key) or dict(write["Key"]))
        else:
            partition.pop(key[1], None)

    def _item(self, table: str, key: _Key) -> Item:
        return self._tables.get(table, {}).get(key[0], {}).get(key[1], {})


def _page(items: Sequence[Item], request: Request) -> Answer:
    """One page from where the request begins, which is told by the place instead of by a key."""
    start = int(request.get("ExclusiveStartKey", {"PK": {"S": "0"}})["PK"]["S"])
    size, end = 0, start
    while end < len(items) and size < _PAGE_BYTES:
        size += len(json.dumps(items[end]))
        end += 1
    page: Answer = {"Items": [_only(item, request) for item in items[start:end]]}
    if end < len(items):
        page["LastEvaluatedKey"] = {"PK": {"S": str(end)}}
    return page


def _only(item: Item, request: Request) -> Item:
    if "ProjectionExpression" not in request:
        return item
    names = request["ExpressionAttributeNames"]
    wanted = [names[name.strip()] for name in request["ProjectionExpression"].split(",")]
    return {name: item[name] for name in wanted if name in item}


def _key_of(write: Request) -> _Key:
    return _key(write["Key"] if "Key" in write else write["Item"])


def _key(item: Item) -> _Key:
    """Of the label table; the ingest ledger writes its keys in small letters."""
    partition, sort = ("PK", "SK") if "PK" in item else ("pk", "sk")
    return item[partition]["S"], item[sort]["S"]


class _Connection(socketserver.StreamRequestHandler):
    """Just enough of HTTP/1.1 for botocore, and little work: the machine has other things to do."""

    tables: ClassVar = Tables()
    seconds_a_call: ClassVar = 0.0
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self) -> None:
        while self.rfile.readline():
            headers = dict(self._headers())
            body = self.rfile.read(int(headers[b"content-length"]))
            time.sleep(self.seconds_a_call)
            operation = headers[b"x-amz-target"].decode().rpartition(".")[2]
            try:
                status, answer = b"200 OK", self.tables.answer(operation, json.loads(body))
            except Refused as refused:
                status, answer = b"400 Bad Request", refused.answer
            text = json.dumps(answer).encode()
            self.wfile.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(text)))
            self.wfile.write(text)
            self.wfile.flush()

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            yield name.lower(), value.strip()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def _serve(seconds_a_call: float) -> None:
    _Connection.seconds_a_call = seconds_a_call
    with _Server((_HOST, 0), _Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
