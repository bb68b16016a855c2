"""The functions of the label-completion flow, one handler a module."""
