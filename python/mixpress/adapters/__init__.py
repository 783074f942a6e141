"""Turn log records, requests and messages into events.

One module for each framework, which is imported only when it is used. `docs/embedding.md` has an example of each.

The adapters that run inside an application's own calls (`logging`, `structlog`, `asgi`, `wsgi`, `django`) share
`safe_tracker.py`: they never raise, never block, and make no event of the client's own activity.
"""
