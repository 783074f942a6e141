"""What makes events of that which happens anyway: log records, requests, messages. One module for each framework, and
none imports the framework before it is asked to. `docs/embedding.md` shows each.

Those that sit in somebody's path (`logging`, `structlog`, `asgi`, `wsgi`, `django`) share what `quiet.py` promises:
they never raise, never wait, and make no event of what the client itself does.
"""
