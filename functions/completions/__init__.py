"""The label-completion flow: submit, poll, apply, project."""
