"""``make bench``: what the flows cost and how long they take, beside what people do today."""
