"""What must be true of the document flow when all is at rest, whatever went wrong on the way.

Each is read from the systems themselves, and raises AssertionError with what is wrong.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import Message

from local.aws import ACCOUNT, DEFAULT_REGION
from local.standins.openai import Attachment, FileBatch, Store, StoredFile
from tests.faults.deployed import Execution
from tests.faults.document_production import ANALYSIS, DOWNLOAD, FLOW, messages_of
from tests.faults.world import World

Body = Mapping[str, Any]
Item = Mapping[str, Any]

DOWNLOAD_LETTERS = "downloadDeadLetterQueueUrl"
ANALYSIS_LETTERS = "marketAnalysisDeadLetterQueueUrl"
FLOW_LETTERS = "vectorStoreBatchFlowDeadLetterQueueUrl"
_PLAIN = TypeDeserializer()
_ASKED_BY = ("domain", "type", "url", "vectorStore", "requestId", "customerDomain")


@dataclass(frozen=True, kw_only=True)
class Found:
    """All that there is: in AWS, and at OpenAI."""

    ledger: Mapping[str, Item]
    """By the request's key."""
    reasons: Mapping[str, Item]
    """Why a message failed, by the message's id."""
    newest: Sequence[Item]
    """The newest analysis of each subject."""
    runs: Sequence[Item]
    """The analyses of each batch, or message, on its own."""
    started: Sequence[str]
    """The executions' names."""
    executions: Sequence[Execution]
    letters: Mapping[str, Sequence[Message]]
    """By the stack output of their queue."""
    stores: Mapping[str, Store]
    batches: Mapping[str, FileBatch]
    files: Mapping[str, StoredFile]
    waiting: Sequence[Message]
    """In the queues."""
    asked_for_analyses: int
    """How often the model answered one that is made with a store's files."""
    now: float

    @property
    def attachments(self) -> Sequence[Attachment]:
        """What is attached to any store."""
        return [each for store in self.stores.values() for each in store.attachments.values()]

    @property
    def handed_over(self) -> Mapping[str, Item]:
        """The entries of the ledger that are done, by the request's key."""
        return {key: item for key, item in self.ledger.items() if item["status"] == "HANDED_OVER"}

    def letter_bodies(self, queue: str) -> Counter[str]:
        """The bodies of the dead letters of a queue."""
        return Counter(message.body for message in self.letters[queue])


def find(world: World) -> Found:
    """Everything, as it is now."""
    ledger = _items(world.stack.output("ingestLedgerTableName"))
    analyses = _items(world.stack.output("analysesTableName"))
    of_domains = [item for item in analyses if item["pk"].startswith("DOMAIN#")]
    state = world.openai._state
    return Found(
        ledger=_of_kind(ledger, "REQUEST"),
        reasons=_of_kind(ledger, "MESSAGE") | _of_kind(analyses, "MESSAGE"),
        newest=[item for item in of_domains if "status" not in item],
        runs=[item for item in of_domains if "status" in item],
        started=[name for name, _ in world.stack.started_executions(FLOW)],
        executions=list(world.stack.executions),
        letters={
            queue: messages_of(world, queue)
            for queue in (DOWNLOAD_LETTERS, ANALYSIS_LETTERS, FLOW_LETTERS)
        },
        stores=dict(state.stores),
        batches=dict(state.batches),
        files={id_: file for id_, file in state.files.items() if file.purpose == "assistants"},
        waiting=[m for queue in (DOWNLOAD, ANALYSIS) for m in messages_of(world, queue)],
        asked_for_analyses=sum(
            bool(call.body.get("tools")) and call.status == 200
            for call in world.openai.calls.of("responses.create")
        ),
        now=world.clock.now,
    )


def nothing_is_under_way(found: Found) -> None:
    """No message waits, every execution was run, and each of them once."""
    assert not found.waiting, f"still in their queues: {[m.body for m in found.waiting]}"
    ran = Counter(execution.name for execution in found.executions)
    assert ran == Counter(found.started), f"started {found.started}, ran {ran}"


def no_letter_is_dead(found: Found, expected: Mapping[str, int]) -> None:
    """As many dead letters as expected, by the stack output of their queue."""
    there = {queue: len(letters) for queue, letters in found.letters.items() if letters}
    assert there == dict(expected), f"dead letters: {there}, and not {dict(expected)}"


def every_letter_has_its_reason(found: Found) -> None:
    """A message that was given up says why in a table, an execution in its own letter."""
    for letter in (*found.letters[DOWNLOAD_LETTERS], *found.letters[ANALYSIS_LETTERS]):
        reason = found.reasons.get(letter.id, {}).get("reason")
        assert reason, f"nobody knows why {letter.body} was given up"
    failed = {execution.arn for execution in found.executions if execution.error}
    kept = Counter[str]()
    for letter in found.letters[FLOW_LETTERS]:
        said = _json(letter.body)
        assert said["error"], f"a letter without its error: {said}"
        assert said["cause"], f"a letter without its cause: {said}"
        assert said["input"]["batchId"], f"a letter without its batch: {said}"
        kept[said["executionArn"]] += 1
    assert kept == Counter(failed), f"failed: {failed}, kept: {kept}"


def every_request_is_handed_over(found: Found, asked: Sequence[Body]) -> None:
    """Each request has one entry in the ledger, which is done, or lies with the dead letters."""
    given_up = [_json(body) for body in found.letter_bodies(DOWNLOAD_LETTERS)]
    for body in asked:
        entries = [item for item in found.ledger.values() if _is_for(item, body)]
        if body in given_up:
            continue
        assert len(entries) == 1, f"{body['url']} has {len(entries)} entries in the ledger"
        [entry] = entries
        assert entry["status"] == "HANDED_OVER", f"{body['url']} is {entry['status']}"
        assert "failure" not in entry, f"{body['url']}: {entry['failure']} after it was done"


def every_document_is_attached_once(found: Found) -> None:
    """Each document is in the one store of its name once, as the ledger says.

    Beside one that cannot be searched there may be the one from before it was refreshed.
    """
    for key, item in found.handed_over.items():
        url, upload = item["url"], item["upload"]["file_id"]
        kept = _former_kept(found, item)
        attached = [
            each
            for each in found.attachments
            if each.attributes.get("ledgerKey") == key and each.id != kept
        ]
        assert len(attached) == 1, f"{url} is attached {len(attached)} times"
        [each] = attached
        assert each.id == upload, f"{url}: {each.id} is attached, the ledger says {upload}"
        store = found.stores[each.store_id]
        assert store.name == item["vectorStore"], f"{url} is attached to {store.name}"
        assert store.id == item["batch"]["vector_store_id"], f"{url} is in another store"
        named = [s for s in found.stores.values() if s.name == store.name]
        live = [s.id for s in named if not s.is_expired(found.now)]
        assert live == [store.id], f"of the name {store.name} there are {live}"


def every_document_was_watched_once(found: Found) -> None:
    """One execution polled the batch of each document, on behalf of who asked for it."""
    watched = Counter(
        file_id
        for execution in found.executions
        for file_id in found.batches[execution.name].attachments
    )
    twice = [file_id for file_id, times in watched.items() if times > 1]
    assert not twice, f"watched by two executions: {twice}"
    by_name = {execution.name: execution for execution in found.executions}
    for item in found.handed_over.values():
        url, batch = item["url"], item["batch"]
        assert batch["batch_id"] in by_name, f"{url}: nobody watched {batch['batch_id']}"
        execution = by_name[batch["batch_id"]]
        files = found.batches[execution.name].attachments
        assert item["upload"]["file_id"] in files, f"{url} is not in the batch that was watched"
        assert execution.input["vectorStoreId"] == batch["vector_store_id"], f"{url}: its store"
        context = execution.input["context"]
        wrong = {name for name, value in context.items() if item[name] != value}
        assert not wrong, f"{url} was watched for somebody else: {wrong} differ"


def every_failed_file_is_known(found: Found) -> None:
    """The ledger says of each file that could not be indexed in which batch, and why."""
    for each in found.attachments:
        if each.status != "failed" or each.last_error is None:
            continue
        entry = found.ledger[str(each.attributes["ledgerKey"])]
        failure = entry.get("fileFailure", {})
        assert failure.get("code") == each.last_error.code, f"{entry['url']}: {failure}"
        assert failure.get("batchId") == entry["batch"]["batch_id"], f"{entry['url']}: {failure}"


def every_batch_is_analysed_once(found: Found, *, without_batch: int = 0) -> None:
    """Whoever asked has one analysis for each of their batches, and the newest is one of them.

    ``without_batch`` messages came to the queue on their own.
    """
    given_up = {_json(body).get("batchId") for body in found.letter_bodies(ANALYSIS_LETTERS)}
    expected = Counter(
        (f"DOMAIN#{c['domain']}", f"{_subject(c)}#BATCH#{execution.name}")
        for execution in found.executions
        if not execution.error and execution.name not in given_up
        for c in [execution.input["context"]]
    )
    done = [run for run in found.runs if run["status"] == "DONE"]
    of_batches = Counter((run["pk"], run["sk"]) for run in done if "#BATCH#" in run["sk"])
    missing, extra = expected - of_batches, of_batches - expected
    assert not missing, f"not analysed: {sorted(missing)}"
    assert not extra, f"analysed without a batch that completed: {sorted(extra)}"
    assert len(done) - of_batches.total() == without_batch, f"analysed: {_keys(done)}"
    for newest in found.newest:
        runs = [r for r in done if r["pk"] == newest["pk"] and _is_run_of(r, newest)]
        versions = sorted(int(run["version"]) for run in runs)
        assert versions == list(range(1, len(runs) + 1)), f"{newest['sk']}: versions {versions}"
        assert int(newest["version"]) == len(runs), f"{newest['sk']} is not the newest"
        last = next(run for run in runs if run["version"] == newest["version"])
        assert last["analysis"] == newest["analysis"], f"{newest['sk']} is another analysis"
    subjects = {(run["pk"], run["sk"].rpartition("#")[0].rpartition("#")[0]) for run in done}
    assert subjects == {(n["pk"], n["sk"]) for n in found.newest}, f"newest: {_keys(found.newest)}"


def no_run_is_left_in_hand(found: Found) -> None:
    """No analysis is said to be under way."""
    held = [run for run in found.runs if run["status"] != "DONE"]
    assert not held, f"still in hand: {_keys(held)}"


def no_analysis_was_paid_for_twice(found: Found, *, lost_answers: int) -> None:
    """The model was asked once a run, and once more at most where an answer was lost."""
    runs = sum("#BATCH#" in run["sk"] for run in found.runs if run["status"] == "DONE")
    asked = found.asked_for_analyses
    assert asked <= runs + lost_answers, f"asked {asked} times for {runs} analyses"


def no_file_belongs_to_nothing(found: Found, others: Collection[str] = ()) -> None:
    """Every file is a request's newest, but ``others`` of other people's, which are all there."""
    left = orphans(found, others)
    assert not left, f"files that belong to nothing: {left}"
    gone = (_named(found) | set(others)) - found.files.keys()
    assert not gone, f"files that are missed: {gone}"


def orphans(found: Found, others: Collection[str] = ()) -> list[str]:
    """The names of the files that are neither a request's newest nor other people's."""
    known = _named(found) | set(others)
    return [file.filename for id_, file in found.files.items() if id_ not in known]


def _named(found: Found) -> set[str]:
    uploads = {item["upload"]["file_id"] for item in found.ledger.values() if "upload" in item}
    return uploads | {kept for item in found.ledger.values() if (kept := _former_kept(found, item))}


def _former_kept(found: Found, item: Item) -> str | None:
    """The file from before a refresh, if it is still needed."""
    searched = {each.id for each in found.attachments if each.status == "completed"}
    replaced = item["status"] == "HANDED_OVER" and item["upload"]["file_id"] in searched
    return None if replaced or "formerUpload" not in item else item["formerUpload"]["file_id"]


def _items(table: str) -> list[dict[str, Any]]:
    items = dynamodb_backends[ACCOUNT][DEFAULT_REGION].tables[table].all_items()
    return [
        {name: _PLAIN.deserialize(value.to_regular_json()) for name, value in item.attrs.items()}
        for item in items
    ]


def _of_kind(items: Sequence[dict[str, Any]], kind: str) -> dict[str, Item]:
    return {
        item["pk"].partition("#")[2]: item for item in items if item["pk"].startswith(f"{kind}#")
    }


def _is_for(item: Item, body: Body) -> bool:
    meant = {"requestId": None, "customerDomain": body["domain"], **body}
    return all(item[name] == meant[name] for name in _ASKED_BY)


def _subject(context: Mapping[str, Any]) -> str:
    return f"CUSTOMER#{context['customerDomain']}#SUBJECT#{context['subjectType']}"


def _is_run_of(run: Item, newest: Item) -> bool:
    rest = str(run["sk"]).removeprefix(newest["sk"])
    return rest.startswith(("#BATCH#", "#MESSAGE#"))


def _keys(items: Sequence[Item]) -> list[str]:
    return sorted(f"{item['pk']} {item['sk']}" for item in items)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
