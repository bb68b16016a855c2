"""The tags of every resource: whose it is, for bills, alarms and whoever finds it."""

from collections.abc import Mapping

import pulumi


def tag_everything(tags: Mapping[str, str]) -> None:
    """Tag each resource that is made from now on and takes tags; it keeps those of its own."""

    def add(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        # pulumi-aws gives each argument of a class, even where the program gave none.
        if not args.type_.startswith("aws:") or "tags" not in args.props:
            return None
        own = pulumi.Output.from_input(args.props["tags"])
        merged = own.apply(lambda own: {**tags, **(own or {})})
        return pulumi.ResourceTransformationResult({**args.props, "tags": merged}, args.opts)

    pulumi.runtime.register_stack_transformation(add)
