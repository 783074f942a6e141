"""A local server of the ingestion API that keeps accepted events and profiles in SQLite.

    from mixpress.emulator import Emulator

    with Emulator() as server:
        ...                      # send events to server.url
        server.events()          # the accepted events
        server.profile("ada")    # a user's profile after all updates
        server.requests()        # the requests and their status

`mixpress emulator` is the same on the command line. Its checks are written from the API's documentation and share no
code with the core of mixpress, so they are a second opinion. It listens on loopback addresses,
unless it is asked for others.
"""

try:
    from mixpress.emulator.faults.fault import Fault
    from mixpress.emulator.faults.faults import Faults
    from mixpress.emulator.rate_limit import RateLimit
    from mixpress.emulator.replies import Reply
    from mixpress.emulator.request import LoggedRequest, RefusedEvent, Request
    from mixpress.emulator.server import Emulator
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in {"orjson", "starlette", "uvicorn"}:
        raise
    raise ImportError("the emulator needs: pip install 'mixpress[emulator]'") from error

__all__ = ["Emulator", "Fault", "Faults", "LoggedRequest", "RateLimit", "RefusedEvent", "Reply", "Request"]
