"""A county plays a whole subsidy through the public API; also what tests and benchmarks drive the product with."""
