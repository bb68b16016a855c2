"""What a stack has cost, and what it would: recorded, measured or estimated, and never guessed."""
