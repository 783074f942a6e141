"""Queues of tracked events: from the call of `track` to a batch, in memory or in a spool."""
