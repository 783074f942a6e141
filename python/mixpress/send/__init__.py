"""Sending: worker threads, requests, and how fast they may go."""
