"""A local server of the ingestion API, /import and /track, that keeps accepted events in SQLite.

    from mixpress.emulator import Emulator

    with Emulator() as server:
        ...                      # send events to server.url
        server.events()          # the accepted events
        server.requests()        # the requests and their status

`mixpress emulator` is the same on the command line. Its checks are written from the API's documentation and share no
code with the core of mixpress, so they are a second opinion. It listens on loopback addresses only.
"""

try:
    from mixpress.emulator.faults import Fault, Faults
    from mixpress.emulator.replies import Reply
    from mixpress.emulator.request import LoggedRequest, Request
    from mixpress.emulator.server import Emulator
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in {"orjson", "starlette", "uvicorn"}:
        raise
    raise ImportError("the emulator needs: pip install 'mixpress[emulator]'") from error

__all__ = ["Emulator", "Fault", "Faults", "LoggedRequest", "Reply", "Request"]
