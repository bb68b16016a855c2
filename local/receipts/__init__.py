"""Receipts and proposed labels from files, put where the label-completion flow finds them."""
