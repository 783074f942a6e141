"""Benchmarks against peers. Contestants run interleaved, and their results are compared."""
