"""Measurements against the peers, interleaved in one run, with the results compared."""
