"""Shared by the benchmarks: events, local servers, interleaved rounds, and programs that send or track."""
