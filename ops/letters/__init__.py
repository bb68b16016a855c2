"""Dead letters: read and grouped by their cause, held while they are looked at, put back."""
