"""How rules read resources, their relations, and the documents in them."""
