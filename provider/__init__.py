"""The components for Pulumi programs in any language."""
