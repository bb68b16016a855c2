"""What the functions talk to, with the latencies that a row sets; each in a process of its own."""
