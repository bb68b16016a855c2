"""The label-completion flow run for real: receipts in, verdicts out, whatever happens between."""

from collections import Counter

from functions.completions.vocabulary import BatchStatus
from local.standins.openai import JobPlan
from tests.local.completion_flow import (
    NEEDS_RECEIPTS,
    a_second_run_changes_nothing,
    at_rest,
    corrections,
    deployed,
    eventually,
)

pytestmark = NEEDS_RECEIPTS


def test_every_label_is_asked_about_once_and_a_second_run_changes_nothing() -> None:
    with deployed(receipts=6) as flow:
        flow.rounds().run()

        snapshot = flow.look()
        at_rest(flow, snapshot)
        asked = Counter(result.id for result in snapshot.results)
        assert asked == dict.fromkeys(snapshot.labels, 1)
        a_second_run_changes_nothing(flow)


def test_two_pollers_at_once_do_what_one_does() -> None:
    with deployed(receipts=20, completionBatchMaxRequests="2") as flow:
        assert len(flow.submit()["batches"]) == 10

        while flow.under_way():
            both = [flow.start_poll(), flow.start_poll()]
            assert [flow.ended(arn)["status"] for arn in both] == ["SUCCEEDED", "SUCCEEDED"]

        snapshot = flow.look()
        assert len(snapshot.results) == len(flow.truth)
        corrections(flow, snapshot)
        assert Counter(batch.status for batch in snapshot.batches) == {BatchStatus.COMPLETED: 10}
        flow.rounds().run()
        at_rest(flow, flow.look())


def test_every_end_of_a_job_is_made_good() -> None:
    with deployed(receipts=12, completionBatchMaxRequests="2") as flow:
        assert flow.stack.standin is not None
        for plan in (
            JobPlan(status="expired", answered=0.5, times=1),
            JobPlan(status="cancelled", answered=0.5, times=1),
            JobPlan(status="failed", times=1),
            JobPlan(odd_statuses=["pondering", "pondering"], times=1),
            JobPlan(unseen=1, times=1),
            JobPlan(times=1),
        ):
            flow.stack.standin.job_plans.add(plan)

        flow.rounds().run()

        snapshot = flow.look()
        at_rest(flow, snapshot)
        ends = [batch.status for batch in snapshot.batches][:6]
        assert ends == ["EXPIRED", "CANCELLED", "FAILED", "COMPLETED", "COMPLETED", "COMPLETED"]


def test_one_job_is_polled_by_its_id_and_no_other() -> None:
    with deployed(receipts=4, completionBatchMaxRequests="2") as flow:
        first, second = flow.submit()["batches"]

        eventually(
            lambda: (
                flow.poll(openaiBatchId=second["openaiBatchId"])
                and BatchStatus.COMPLETED in {batch.status for batch in flow.look().batches}
            )
        )

        by_id = {batch.batch_id: batch.status for batch in flow.look().batches}
        assert by_id == {
            first["batchId"]: BatchStatus.PENDING,
            second["batchId"]: BatchStatus.COMPLETED,
        }


def test_a_broken_batch_disturbs_no_other_and_is_made_good_when_it_can_be() -> None:
    with deployed(receipts=6, completionBatchMaxRequests="2") as flow:
        batches = flow.submit()["batches"]
        s3, bucket = flow.stack.aws.client("s3"), flow.stack.aws.outputs["batchBucketName"]
        key = f"batches/{batches[1]['batchId']}/targets.jsonl"
        kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.delete_object(Bucket=bucket, Key=key)

        eventually(lambda: flow.poll()["status"] == "FAILED")
        by_id = {batch.batch_id: batch.status for batch in flow.look().batches}
        assert [by_id[batch["batchId"]] for batch in batches] == [
            BatchStatus.COMPLETED,
            BatchStatus.PENDING,
            BatchStatus.COMPLETED,
        ]

        s3.put_object(Bucket=bucket, Key=key, Body=kept)
        flow.rounds().run()
        at_rest(flow, flow.look())
