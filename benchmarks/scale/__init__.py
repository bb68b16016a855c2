"""The flows in virtual time: how much they do, and how late, under any load."""
