"""The two kinds of rules, and what they do with values that a preview does not know yet.

Reading such a value raises UnknownValueError. A rule lets it rise, and Pulumi then says that the
rule could not run; ``pulumi up`` asks again when the value is known.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from rules.reading.stack import Stack


class ResourceRule(ResourceValidationPolicy):
    """Looks at the inputs of one resource, before it is created. Without types, of all of AWS."""

    def __init__(
        self,
        name: str,
        description: str,
        check: Callable[[ResourceValidationArgs], Iterator[str]],
        *,
        types: frozenset[str] | None,
        enforcement_level: EnforcementLevel | None = None,
    ) -> None:
        self.types = types
        self._check = check
        super().__init__(name, description, self._look, enforcement_level)

    def _look(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        if self._is_for(args.resource_type):
            for wrong in self._check(args):
                report(wrong, None)

    def _is_for(self, token: str) -> bool:
        return token.startswith("aws:") if self.types is None else token in self.types


class StackRule(StackValidationPolicy):
    """Looks at resources of some types together with those that they refer to.

    Pulumi asks it when all resources are known: at the end of a preview, before anything is made.
    """

    def __init__(
        self,
        name: str,
        description: str,
        check: Callable[[Stack, PolicyResource], Iterator[str]],
        *,
        types: frozenset[str],
    ) -> None:
        self.types = types
        self._check = check
        super().__init__(name, description, self._look)

    def _look(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """What cannot be known of one resource keeps none of the others from being judged."""
        stack = Stack(args.resources)
        unknown: UnknownValueError | None = None
        for resource in stack.of(*self.types):
            try:
                for wrong in self._check(stack, resource):
                    report(wrong, resource.urn)
            except UnknownValueError as error:
                unknown = error
        if unknown is not None:
            raise unknown


def is_given(props: Any, key: str) -> bool:
    """Whether a property has a value; one that is not known yet is a value."""
    try:
        return bool(props.get(key))
    except UnknownValueError:
        return True
