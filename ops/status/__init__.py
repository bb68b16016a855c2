"""What a stack is doing: in flight, stuck, failed; by flow."""
