"""What must be true of labels, batches and vectors, read from the systems themselves."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from functions.completions.identifiers import LabelId
from local.standins.openai.jobs import Job
from tests.faults.world import World

Item = Mapping[str, Any]
Complaints = Iterator[str]

NAMESPACE = "words"
_AFTER_A_TARGET = "#VALIDATION_STATUS#NONE"
_LIVE = frozenset({"validating", "in_progress", "finalizing"})
_MONTH_SECONDS = 30 * 86_400
# Of a record without a verdict for which nobody answers: it was not asked in vain.
_NOT_ASKED = ("token_limit_exceeded", "job_not_found")


@dataclass(frozen=True, kw_only=True)
class FoundJob:
    """A job at OpenAI."""

    id: str
    status: str
    batch_id: str
    targets: Sequence[str]
    """The labels that it asks about, by ``name``."""
    answered: frozenset[str] = frozenset()
    """The requests that it answered."""
    shown: bool = True
    """Whether OpenAI tells of it; of one that comes late it does not at first."""

    @property
    def is_live(self) -> bool:
        """Whether it may still answer."""
        return self.status in _LIVE


@dataclass(frozen=True, kw_only=True)
class Found:
    """All there is of the flow at one moment."""

    labels: Mapping[str, Item] = field(default_factory=dict)
    """By ``name``."""
    batches: Mapping[str, Item] = field(default_factory=dict)
    """By their ids."""
    records: Sequence[Item] = ()
    jobs: Sequence[FoundJob] = ()
    tokens: int = 0
    vectors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    letters: Sequence[str] = ()
    files: Mapping[str, int | None] = field(default_factory=dict)
    """How long the files at OpenAI are kept, in seconds."""

    @property
    def judged(self) -> Iterator[tuple[str, str, Item]]:
        """Batch, label and record of each record."""
        for record in self.records:
            yield record["PK"].removeprefix("BATCH#"), record["SK"].removeprefix("RESULT#"), record


Invariant = Callable[[Found], Complaints]


@dataclass(frozen=True)
class End:
    """How a label stands at last: so often asked in vain, and so often asked in all."""

    status: str
    attempts: int = 0
    asked: int = 1


def look(world: World) -> Found:
    """Read everything there is."""
    items = world.stack.items("labelTableName")
    capacity = [item for item in items if item["PK"] == "CAPACITY"]
    return Found(
        labels={name(item): item for item in items if item.get("TYPE") == "RECEIPT_WORD_LABEL"},
        batches={item["batch_id"]: item for item in items if item.get("TYPE") == "BATCH_SUMMARY"},
        records=[item for item in items if item.get("TYPE") == "COMPLETION_BATCH_RESULT"],
        jobs=jobs(world),
        tokens=sum(int(item.get("tokens", 0)) for item in capacity),
        vectors={id_: each.metadata for id_, each in world.pinecone.vectors(NAMESPACE).items()},
        letters=_letters(world),
        files={
            id_: None if file.expires_at is None else file.expires_at - file.created_at
            for id_, file in world.openai.files.items()
        },
    )


def jobs(world: World) -> list[FoundJob]:
    """The jobs at OpenAI, the oldest first."""
    files = world.openai.files
    found = []
    for job in world.openai.jobs.values():
        output = files.get(job.output_file_id or "")
        lines = output.content.splitlines() if output else ()
        found.append(
            FoundJob(
                id=job.id,
                status=job.status,
                batch_id=job.metadata["batch_id"],
                targets=_targets(job),
                answered=frozenset(_custom_ids(lines)),
                shown=job.plan.unseen is not None and job.unseen >= job.plan.unseen,
            )
        )
    return found


def name(label: Item) -> str:
    """A label's name: ``IMAGE#…#LABEL#…``."""
    return f"{label['PK']}#{label['SK']}"


def require(found: Found, invariants: Collection[Invariant]) -> None:
    """AssertionError with everything that is wrong."""
    complaints = [complaint for invariant in invariants for complaint in invariant(found)]
    assert not complaints, "; ".join(complaints)


def pending_labels_have_a_live_batch(found: Found) -> Complaints:
    """Nothing waits for an answer that nobody will fetch."""
    for label, item in found.labels.items():
        if item["validation_status"] == "PENDING":
            batch = found.batches.get(item.get("batch_id", ""))
            if batch is None or not _is_under_way(batch):
                yield f"{label} is PENDING without a live batch"


def no_label_is_held_by_two_jobs(found: Found) -> Complaints:
    """Of the jobs that may still answer no two ask about the same label."""
    live = [job for job in found.jobs if job.is_live and job.shown]
    asked = Counter(target for job in live for target in job.targets)
    for target, times in asked.items():
        if times > 1:
            yield f"{times} live jobs ask about {target}"


def nothing_paid_for_goes_uncollected(found: Found) -> Complaints:
    """A job that has answered belongs to a batch that has ended, with records of its answers."""
    recorded = defaultdict(set)
    for batch_id, label, record in found.judged:
        if "raw_line" in record:
            recorded[batch_id].add(label)
    for job in found.jobs:
        if job.is_live and job.shown:
            yield f"job {job.id} has not ended"
        if not job.answered:
            continue
        batch = found.batches.get(job.batch_id, {})
        if batch.get("openai_batch_id") != job.id:
            yield f"job {job.id} answered, but is not the job of batch {job.batch_id}"
        elif batch["status"] in ("SUBMITTING", "PENDING"):
            yield f"job {job.id} answered, but batch {job.batch_id} is {batch['status']}"
        for target in job.targets:
            if _receipt(target) in job.answered and target not in recorded[job.batch_id]:
                yield f"what job {job.id} said of {target} was not collected"


def every_target_has_one_record(found: Found) -> Complaints:
    """Of a batch that ended with a job: exactly one a target, as the batch itself counts them."""
    targets = {job.batch_id: job.targets for job in found.jobs}
    recorded: dict[str, list[Item]] = defaultdict(list)
    asked: dict[str, Counter[str]] = defaultdict(Counter)
    for batch_id, label, record in found.judged:
        recorded[batch_id].append(record)
        asked[batch_id][label] += 1
    for batch_id, batch in found.batches.items():
        wanted = Counter(targets.get(batch_id, ()) if "openai_batch_id" in batch else ())
        if _is_under_way(batch):
            continue
        if asked[batch_id] != wanted:
            differing = sorted((asked[batch_id] - wanted) + (wanted - asked[batch_id]))
            yield f"batch {batch_id} has too few or too many records of {differing}"
        outcomes = Counter(record["outcome"] for record in recorded[batch_id])
        counted = {outcome: int(n) for outcome, n in batch["outcomes"].items() if n}
        if counted != dict(outcomes):
            yield f"batch {batch_id} counts {counted}, its records are {dict(outcomes)}"
    for batch_id in recorded.keys() - found.batches.keys():
        yield f"there are records of {batch_id}, which is no batch"


def every_judgement_has_its_record(found: Found) -> Complaints:
    """A label that names the batch that judged it stands as that batch's record says."""
    records = {(batch_id, label): record for batch_id, label, record in found.judged}
    for label, item in found.labels.items():
        status, batch_id = item["validation_status"], item.get("batch_id")
        if batch_id and status not in ("NONE", "PENDING"):
            outcome = records.get((batch_id, label), {}).get("outcome")
            if outcome != status:
                yield f"{label} is {status}, the record of batch {batch_id} says {outcome}"


def attempts_are_counted_once(found: Found) -> Complaints:
    """A label's attempts are those records of it that have no verdict."""
    in_vain = Counter(
        label
        for _, label, record in found.judged
        if "is_valid" not in record
        and record["outcome"] in ("UNANSWERED", "NEEDS_REVIEW")
        and not record["reason"].startswith(_NOT_ASKED)
    )
    for label, item in found.labels.items():
        if int(item["attempts"]) != in_vain[label]:
            yield f"{label} has {item['attempts']} attempts, and was asked {in_vain[label]} in vain"


def tokens_add_up(found: Found) -> Complaints:
    """Those under way are those of the batches under way."""
    wanted = sum(
        int(each["prompt_tokens"]) for each in found.batches.values() if _is_under_way(each)
    )
    if found.tokens != wanted:
        yield f"{found.tokens} prompt tokens are under way, of batches that have {wanted}"


def vectors_show_the_table(found: Found) -> Complaints:
    """Each word's vector says what its labels do."""
    words: dict[str, list[Item]] = defaultdict(list)
    for label, item in found.labels.items():
        words[label.partition("#LABEL#")[0]].append(item)
    for word, labels in words.items():
        shown, wanted = found.vectors.get(word), metadata(labels)
        if shown is not None and dict(shown) != wanted:
            yield f"the vector {word} shows {dict(shown)}, its labels say {wanted}"


def metadata(labels: Sequence[Item]) -> dict[str, Any]:
    """What the vector of a word with these labels should say."""
    by_status: dict[str, list[Item]] = defaultdict(list)
    for item in labels:
        by_status[item["validation_status"]].append(item)
    waiting = sorted(
        (item["timestamp_added"], _label(item))
        for item in (*by_status["NONE"], *by_status["PENDING"])
    )
    return {
        "valid_labels": sorted(map(_label, by_status["VALID"])),
        "invalid_labels": sorted(map(_label, by_status["INVALID"])),
        "proposed_label": waiting[-1][1] if waiting else "",
    }


def everything_is_at_rest(found: Found) -> Complaints:
    """Nothing waits, nothing is under way, and each word that has a vector is projected."""
    for label, item in found.labels.items():
        if item["validation_status"] in ("NONE", "PENDING"):
            yield f"{label} is {item['validation_status']}"
        mark = item.get("GSI2PK", "")
        if mark.startswith("UNPROJECTED"):
            yield f"{label} has not been projected"
        if mark and label.partition("#LABEL#")[0] in found.vectors:
            yield f"{label} is marked, and its word has a vector"
    for batch_id, batch in found.batches.items():
        if batch["status"] in ("SUBMITTING", "PENDING"):
            yield f"batch {batch_id} is {batch['status']}"


def nothing_is_in_the_dead_letters(found: Found) -> Complaints:
    """No schedule and no function gave up."""
    for letter in found.letters:
        yield f"a dead letter: {letter}"


def files_end_by_themselves(found: Found) -> Complaints:
    """No file stays at OpenAI longer than a month: there is nothing to sweep."""
    for file_id, seconds in found.files.items():
        if seconds is None or seconds > _MONTH_SECONDS:
            yield f"file {file_id} stays for ever"


def ends_as(ends: Mapping[LabelId, End]) -> Invariant:
    """These labels are there, and no others, and each stands so."""

    def check(found: Found) -> Complaints:
        asked = Counter(label for _, label, _ in found.judged)
        wanted = {id_.text: end for id_, end in ends.items()}
        for label in sorted(wanted.keys() | found.labels.keys()):
            if label not in found.labels or label not in wanted:
                yield f"{label} is {'too many' if label in found.labels else 'gone'}"
                continue
            item = found.labels[label]
            stands = End(item["validation_status"], int(item["attempts"]), asked[label])
            if stands != wanted[label]:
                yield f"{label} ended as {stands}, not as {wanted[label]}"

    return check


def keeps(labels: Mapping[str, Item]) -> Invariant:
    """These labels, by ``name``, are as they were: whoever decided them keeps the last word."""

    def check(found: Found) -> Complaints:
        for label, item in labels.items():
            status = found.labels.get(label, {}).get("validation_status")
            if status != item["validation_status"]:
                yield f"{label} was {item['validation_status']}, and now it is {status}"

    return check


ALWAYS: tuple[Invariant, ...] = (
    no_label_is_held_by_two_jobs,
    tokens_add_up,
    every_target_has_one_record,
    every_judgement_has_its_record,
    attempts_are_counted_once,
    files_end_by_themselves,
)
"""True at any time at which nobody is at work."""
AT_REST: tuple[Invariant, ...] = (
    *ALWAYS,
    pending_labels_have_a_live_batch,
    nothing_paid_for_goes_uncollected,
    vectors_show_the_table,
    everything_is_at_rest,
)
"""True when everything has recovered."""


def _letters(world: World) -> list[str]:
    queue = world.stack.output("completionDeadLetterQueueUrl")
    return [message["body"] for message in world.stack.receive(queue, 10)]


def _targets(job: Job) -> list[str]:
    return [
        target["id"].removesuffix(_AFTER_A_TARGET)
        for line in job.input_file.content.splitlines()
        for target in json.loads(json.loads(line)["body"]["input"])["targets"]
    ]


def _custom_ids(lines: Sequence[bytes]) -> Iterator[str]:
    """Of the lines that can be read: a job may leave half of one."""
    for line in lines:
        with suppress(json.JSONDecodeError):
            yield json.loads(line)["custom_id"]


def _receipt(label: str) -> str:
    return label.partition("#LINE#")[0]


def _label(item: Item) -> str:
    return str(item["SK"].rpartition("#LABEL#")[2])


def _is_under_way(batch: Item) -> bool:
    """Whether it may have a job: one that was released has none, whatever its status."""
    if batch["status"] == "SUBMITTING":
        return "released_at" not in batch
    return bool(batch["status"] == "PENDING")
