"""What ends a command, told in one line."""


class OpsError(Exception):
    """The command cannot do what was asked for; the message says why, and what would help."""
