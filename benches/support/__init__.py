"""Traffic, loopback servers, interleaved rounds and senders shared by the benchmarks."""
