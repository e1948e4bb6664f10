"""The benchmark: the real product with a directory of its own, against a carrier that is never the limit."""
