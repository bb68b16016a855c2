"""From uploaded documents to a polling execution: the store, the file batch, the start."""

from dataclasses import dataclass
from functools import partial

from functions.clients.openai import BatchFile, OpenAIService
from functions.clients.step_functions import StateMachine
from functions.errors import OpenAIRejectedError, OpenAIUnavailableError
from functions.ingest.attributes import file_attributes
from functions.ingest.grouping import Group, Prepared
from functions.ingest.ledger import Batch, Ledger
from functions.ingest.vector_stores import VectorStores
from functions.lookahead import in_order
from functions.messages import FileBatchRef
from functions.metrics import Metric
from functions.observability import count, logger


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What it takes to bring a group of uploads into its vector store and have it watched."""

    ledger: Ledger
    stores: VectorStores
    openai: OpenAIService
    flow: StateMachine

    def hand_over(self, group: Group) -> None:
        """Make the group's file batch, unless it is made, and start the execution named after it.

        Whatever fails, the group is given up, so that its next delivery can take it at once, and
        the error goes on.
        """
        try:
            batch = group.members[0].claim.batch or self._make_batch(group)
            ref = FileBatchRef(
                vector_store_id=batch.vector_store_id,
                vector_store_name=batch.vector_store_name,
                batch_id=batch.batch_id,
                context=group.context,
                requested_at=batch.requested_at,
            )
            started = self.flow.start(batch.batch_id, ref.to_wire())
            # Side by side: one after another they would take longer than the batch.
            list(in_order(partial(self._record, batch), group.members))
        except Exception as error:
            for member in group.members:
                self.ledger.release(member.claim.key, str(error))
            raise
        count(Metric.EXECUTIONS_STARTED, int(started))
        logger().info(
            "file batch handed over",
            # The execution has the batch's id for its name.
            extra={
                "batch_id": batch.batch_id,
                "vector_store_id": batch.vector_store_id,
                "ledger_key": " ".join(member.claim.key for member in group.members),
                "files": len(group.members),
                "started": started,
            },
        )

    def _record(self, batch: Batch, member: Prepared) -> None:
        self.ledger.record_handed_over(member.claim, batch)

    def _make_batch(self, group: Group) -> Batch:
        name = group.vector_store_name
        vector_store_id = self.stores.resolve(name)
        try:
            batch_id = self.openai.create_file_batch(vector_store_id, _files(group))
        except OpenAIRejectedError:
            if self.openai.vector_store_is_usable(vector_store_id):
                self._forget_missing_files(group)
                raise
            logger().warning("vector store has gone", extra={"vector_store_id": vector_store_id})
            self.stores.forget(name, vector_store_id)
            vector_store_id = self.stores.resolve(name)
            batch_id = self.openai.create_file_batch(vector_store_id, _files(group))
        batch = Batch(
            batch_id=batch_id,
            vector_store_id=vector_store_id,
            vector_store_name=name,
            requested_at=group.requested_at,
        )
        self.ledger.record_batch(batch, [member.claim for member in group.members])
        return batch

    def _forget_missing_files(self, group: Group) -> None:
        """An upload from an earlier try may have been deleted since: it is to be repeated."""
        missing = [
            member.claim
            for member in group.members
            if member.claim.upload and not self.openai.file_exists(member.claim.upload.file_id)
        ]
        for claim in missing:
            self.ledger.forget_upload(claim)
        if missing:
            raise OpenAIUnavailableError(f"{len(missing)} uploaded files have gone")


def _files(group: Group) -> list[BatchFile]:
    return [
        BatchFile(
            file_id=member.claim.upload.file_id,
            attributes=file_attributes(member.request, member.claim.key, member.claim.upload),
        )
        for member in group.members
        if member.claim.upload
    ]
