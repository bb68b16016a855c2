"""Buckets, and how each is set up. moto keeps it all, and enforces their policies alone."""

import json
from typing import Any

from local.aws import Aws
from local.resources.naming import (
    Created,
    Inputs,
    capitalised,
    given,
    physical_name,
    tag_list,
)


def bucket(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A bucket. Its names have no capitals."""
    bucket_name = physical_name(name.lower(), inputs, 63, key="bucket")
    location = {"LocationConstraint": aws.region}
    aws.client("s3").create_bucket(
        Bucket=bucket_name,
        **({} if aws.region == "us-east-1" else {"CreateBucketConfiguration": location}),
    )
    if tags := tag_list(inputs):
        aws.client("s3").put_bucket_tagging(Bucket=bucket_name, Tagging={"TagSet": tags})
    outputs = {
        "bucket": bucket_name,
        "arn": f"arn:aws:s3:::{bucket_name}",
        "bucketDomainName": f"{bucket_name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{bucket_name}.s3.{aws.region}.amazonaws.com",
        "region": aws.region,
    }
    return Created(bucket_name, outputs)


def versioning(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Whether a bucket keeps what is overwritten."""
    aws.client("s3").put_bucket_versioning(
        Bucket=inputs["bucket"],
        VersioningConfiguration=given(Status=inputs["versioningConfiguration"]["status"]),
    )
    return Created(inputs["bucket"])


def policy(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Who may do what with a bucket, whatever the circumstances.

    moto takes a statement at its word and not its condition: refusing what does not come over TLS
    would refuse everything, as nothing here does.
    """
    document = json.loads(inputs["policy"])
    document["Statement"] = [each for each in document["Statement"] if "Condition" not in each]
    if document["Statement"]:
        aws.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=json.dumps(document))
    return Created(inputs["bucket"])


def public_access_block(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """What a bucket's policies may not open."""
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    aws.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration=capitalised({key: bool(inputs.get(key)) for key in names}),
    )
    return Created(inputs["bucket"])


def ownership_controls(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Who owns what others put into a bucket."""
    rules = [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]
    aws.client("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"], OwnershipControls={"Rules": rules}
    )
    return Created(inputs["bucket"])


def encryption(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """How a bucket encrypts what it is given."""
    aws.client("s3").put_bucket_encryption(
        Bucket=inputs["bucket"],
        ServerSideEncryptionConfiguration={"Rules": [_encryption(r) for r in inputs["rules"]]},
    )
    return Created(inputs["bucket"])


def _encryption(rule: Inputs) -> dict[str, Any]:
    default = rule["applyServerSideEncryptionByDefault"]
    return given(
        ApplyServerSideEncryptionByDefault=given(
            SSEAlgorithm=default["sseAlgorithm"], KMSMasterKeyID=default.get("kmsMasterKeyId")
        ),
        BucketKeyEnabled=rule.get("bucketKeyEnabled"),
    )


def lifecycle(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """What a bucket deletes by itself. moto deletes nothing."""
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"],
        LifecycleConfiguration={"Rules": [_lifecycle(rule) for rule in inputs["rules"]]},
    )
    return Created(inputs["bucket"])


def _lifecycle(rule: Inputs) -> dict[str, Any]:
    described = {key: value for key, value in rule.items() if key != "id"}
    return {"ID": rule["id"], **capitalised(described)}
