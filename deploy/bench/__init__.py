"""`make bench`: how fast the product is, each figure beside a bare script that does the same work without it."""
