"""What a function is, and all that its process is given: code, packages and variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.aws import CREDENTIALS

# Lambda sets these and refuses a function that does:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        *CREDENTIALS,
    }
)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """What AWS knows of a function. The time-out is in seconds, the memory in MB."""

    name: str
    arn: str
    handler: str
    runtime: str
    region: str
    log_group: str
    timeout: float
    memory: int
    environment: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What every process is given: the code, what Lambda itself brings (boto3), and the AWS.

    ``cache_dir`` holds compiled modules, so that ``code_dir`` stays as it was built.
    """

    code_dir: Path
    runtime_dir: Path
    cache_dir: Path
    endpoint_url: str


def environment(spec: FunctionSpec, runtime: Runtime, log_stream: str) -> dict[str, str]:
    """Everything the function finds in ``os.environ``, and nothing of this process's."""
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **spec.environment,
        "_HANDLER": spec.handler,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_REGION": spec.region,
        "LAMBDA_RUNTIME_DIR": str(runtime.runtime_dir),
        "LAMBDA_TASK_ROOT": str(runtime.code_dir),
        **CREDENTIALS,
        # So that it is known whose calls are whose: see local/calls_made.py.
        "AWS_ACCESS_KEY_ID": spec.name,
        # Not Lambda's: they turn boto3 to this AWS, and away from the developer's settings.
        "AWS_ENDPOINT_URL": runtime.endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
