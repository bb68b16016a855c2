"""Tables, secrets and log groups."""

from typing import Any

from local.aws import Aws
from local.resources.naming import (
    Created,
    Inputs,
    ResourceError,
    given,
    physical_name,
    tag_list,
)


def table(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A table with its indexes."""
    table_name = physical_name(name, inputs, 255)
    dynamodb = aws.client("dynamodb")
    arn = dynamodb.create_table(
        TableName=table_name,
        AttributeDefinitions=[
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
            for attribute in inputs["attributes"]
        ],
        KeySchema=_keys(inputs),
        BillingMode=inputs.get("billingMode") or "PROVISIONED",
        **given(
            ProvisionedThroughput=_throughput(inputs),
            GlobalSecondaryIndexes=_indexes(inputs, "globalSecondaryIndexes"),
            LocalSecondaryIndexes=_indexes(inputs, "localSecondaryIndexes"),
            StreamSpecification=_stream(inputs),
            DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled"),
            Tags=tag_list(inputs),
        ),
    )["TableDescription"]["TableArn"]
    if (ttl := inputs.get("ttl")) and ttl.get("enabled"):
        dynamodb.update_time_to_live(
            TableName=table_name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl["attributeName"]},
        )
    if (recovery := inputs.get("pointInTimeRecovery")) and recovery.get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=table_name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    return Created(table_name, {"name": table_name, "arn": arn})


def _keys(described: Inputs) -> list[dict[str, str]]:
    schemas = described.get("keySchemas") or []
    keys = [(key["attributeName"], key["keyType"]) for key in schemas]
    if not keys:
        keys = [(described["hashKey"], "HASH")]
        if described.get("rangeKey"):
            keys.append((described["rangeKey"], "RANGE"))
    return [{"AttributeName": attribute, "KeyType": kind} for attribute, kind in keys]


def _throughput(described: Inputs) -> dict[str, int] | None:
    if described.get("readCapacity") is None:
        return None
    return {
        "ReadCapacityUnits": described["readCapacity"],
        "WriteCapacityUnits": described["writeCapacity"],
    }


def _indexes(inputs: Inputs, key: str) -> list[dict[str, Any]] | None:
    return [_index(inputs, described) for described in inputs.get(key) or ()] or None


def _index(inputs: Inputs, described: Inputs) -> dict[str, Any]:
    # A local index has the table's partition key.
    keys = _keys({"hashKey": inputs.get("hashKey"), **described})
    projection = given(
        ProjectionType=described["projectionType"],
        NonKeyAttributes=described.get("nonKeyAttributes"),
    )
    return given(
        IndexName=described["name"],
        KeySchema=keys,
        Projection=projection,
        ProvisionedThroughput=_throughput(described),
    )


def _stream(inputs: Inputs) -> dict[str, Any] | None:
    if not inputs.get("streamEnabled"):
        return None
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def secret(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A secret, without a value yet."""
    secret_name = physical_name(name, inputs, 512)
    arn = aws.client("secretsmanager").create_secret(
        Name=secret_name,
        **given(Description=inputs.get("description"), Tags=tag_list(inputs)),
    )["ARN"]
    return Created(arn, {"name": secret_name, "arn": arn})


def secret_version(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """A secret's value."""
    if inputs.get("secretString") is None:
        raise ResourceError("only secretString is embedded: add the rest here")
    secret_id = inputs["secretId"]
    version = aws.client("secretsmanager").put_secret_value(
        SecretId=secret_id,
        SecretString=inputs["secretString"],
        **given(VersionStages=inputs.get("versionStages")),
    )
    version_id = version["VersionId"]
    outputs = {"arn": version["ARN"], "secretArn": version["ARN"], "versionId": version_id}
    return Created(f"{secret_id}|{version_id}", outputs)


def log_group(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A log group."""
    group_name = physical_name(name, inputs, 512)
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=group_name, **given(tags=inputs.get("tags")))
    if inputs.get("retentionInDays"):
        logs.put_retention_policy(
            logGroupName=group_name, retentionInDays=inputs["retentionInDays"]
        )
    arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{group_name}"
    return Created(group_name, {"name": group_name, "arn": arn})
