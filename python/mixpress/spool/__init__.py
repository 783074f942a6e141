"""A durable queue in one SQLite file: events stay in it until they have a verdict, even if the process dies.

spool.py             the queue
session.py           the state of one process, across forks
owner.py             processes as owners, and their leases
rows.py, packing.py  SQL statements, and packing of events into batches
stored.py, layout.py a batch, and the format of its body
verdicts.py          the verdicts of one batch, entered in the file
destination.py       the endpoint and project of the events
schema.py, connect.py the tables, and how the file is opened
show.py              what a file contains
errors.py            errors of SQLite and the system as `SpoolError`
"""

from mixpress.errors import SpoolError
from mixpress.spool.destination import Destination
from mixpress.spool.layout import Layout
from mixpress.spool.show import SpoolStats
from mixpress.spool.spool import Spool
from mixpress.spool.stored import StoredBatch

__all__ = ["Destination", "Layout", "Spool", "SpoolError", "SpoolStats", "StoredBatch"]
