"""What is to be done in a row, and whether it was."""
