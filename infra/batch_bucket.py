"""The bucket of the batches' files."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

_BATCHES = "batches/"


@dataclass(frozen=True, kw_only=True)
class BatchBucketArgs:
    """How long the files are kept."""

    retention_days: int


class BatchBucket(pulumi.ComponentResource):
    """A private, encrypted bucket that is spoken to over TLS alone; ``files`` is all in it.

    Without versions: what is overwritten was of no use. What is in it are working files and the raw
    answers, so it goes with its stack even when it is not empty.
    """

    def __init__(
        self, name: str, args: BatchBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:BatchBucket", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(f"{name}-bucket", force_destroy=True, opts=self._child)
        self.files = pulumi.Output.concat(self.bucket.arn, f"/{_BATCHES}*")
        self._keep_private()
        self._keep_for(args.retention_days)
        self.register_outputs({"bucketName": self.bucket.bucket})

    def _keep_private(self) -> None:
        closed = aws.s3.BucketPublicAccessBlock(
            f"{self._name}-closed",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self.bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self.bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self._child,
        )
        aws.s3.BucketPolicy(
            f"{self._name}-takes-tls-alone",
            bucket=self.bucket.id,
            policy=_tls_alone(self.bucket),
            # S3 takes one change of who may reach a bucket at a time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )

    def _keep_for(self, days: int) -> None:
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self.bucket.id,
            rules=[
                {
                    "id": "expire-batches",
                    "status": "Enabled",
                    "filter": {"prefix": _BATCHES},
                    "expiration": {"days": days},
                },
                {
                    "id": "abort-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                },
            ],
            opts=self._child,
        )


def _tls_alone(bucket: aws.s3.Bucket) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )
