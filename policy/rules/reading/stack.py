"""Which resources of a stack refer to which.

By the dependencies of their properties, which a preview knows while ARNs and ids are unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_policy import PolicyResource


@dataclass(frozen=True)
class Stack:
    """All resources of a stack."""

    resources: Sequence[PolicyResource]

    def of(self, *types: str) -> list[PolicyResource]:
        """The resources of some types."""
        return [resource for resource in self.resources if resource.resource_type in types]

    def referring(self, token: str, key: str, resource: PolicyResource) -> list[PolicyResource]:
        """The resources of a type whose property ``key`` is made of something of ``resource``."""
        return [
            other
            for other in self.of(token)
            if any(
                found.urn == resource.urn for found in referred(other, key, resource.resource_type)
            )
        ]


def referred(resource: PolicyResource, key: str, token: str) -> list[PolicyResource]:
    """The resources of a type of which the property ``key`` is made."""
    found = resource.property_dependencies.get(key, ())
    return [other for other in found if other.resource_type == token]
