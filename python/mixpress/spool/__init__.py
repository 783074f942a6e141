"""A durable queue in one SQLite file: events wait in it until the server has them, whatever happens to the process.

schema.py, connect.py      the file, and how it is opened
hold.py, fork.py, lease.py what one process has of it, over forks and against the others
spool.py                   the queue
rows.py, packing.py        events become batches, and change hands
stored.py, layout.py       a batch, ready to be sent
destination.py             whose events they are
intake.py                  the tracked events of a client that has one
drain.py, show.py          delivering what is left, and looking at it
"""

from mixpress.errors import SpoolError
from mixpress.spool.destination import Destination
from mixpress.spool.layout import Layout
from mixpress.spool.show import SpoolStats
from mixpress.spool.spool import Spool
from mixpress.spool.stored import StoredBatch

__all__ = ["Destination", "Layout", "Spool", "SpoolError", "SpoolStats", "StoredBatch"]
