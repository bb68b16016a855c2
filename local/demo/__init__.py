"""The demo: documents sent through a deployed stack, watched, and accounted for one by one."""
