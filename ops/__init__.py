"""The operator command: see what a deployed stack does, feed it, and mend what went wrong."""
