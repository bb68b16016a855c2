"""Documents on their way: from files and command lines to their analyses."""
