"""What every creator of resources needs: names as Pulumi gives them, and what it answers."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws import Aws

Inputs = Mapping[str, Any]


class ResourceError(RuntimeError):
    """A resource that the embedded AWS cannot create, or that AWS would refuse."""


@dataclass(frozen=True)
class Created:
    """A resource's id and what AWS adds to its inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


Creator = Callable[[Aws, str, Inputs], Created]


def physical_name(logical_name: str, inputs: Inputs, longest: int, key: str = "name") -> str:
    """The name that the program gives, or Pulumi's: the logical one and seven hex digits.

    https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
    """
    if inputs.get(key):
        name = str(inputs[key])
    else:
        prefix = inputs.get(f"{key}Prefix") or f"{logical_name}-"
        name = f"{prefix}{secrets.token_hex(4)[:7]}"
    if len(name) > longest:
        raise ResourceError(f"the name {name!r} is longer than the {longest} that AWS allows")
    return name


def given(**parameters: Any) -> dict[str, Any]:
    """The parameters that have a value: boto3 takes no None."""
    return {name: value for name, value in parameters.items() if value is not None}


def tag_list(inputs: Inputs) -> list[dict[str, str]] | None:
    """Tags as most services want them."""
    tags = inputs.get("tags")
    return [{"Key": key, "Value": value} for key, value in tags.items()] if tags else None


def capitalised(value: Any) -> Any:
    """Pulumi's spelling of nested properties as the services spell them: roleArn, RoleArn."""
    if isinstance(value, Mapping):
        return {name[:1].upper() + name[1:]: capitalised(item) for name, item in value.items()}
    if isinstance(value, list):
        return [capitalised(item) for item in value]
    return value
