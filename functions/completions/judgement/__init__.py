"""What a job's answers do to the labels."""
