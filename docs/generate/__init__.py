"""``make docs``: the parts of pages that the program itself writes, which cannot be wrong."""
