"""Make the sample of a version 0 file, `v0.spool`: two unpacked events and a batch of three.

cd tests && python -m spool.older spool/v0.spool
"""

from __future__ import annotations

import sqlite3
import sys
from array import array
from contextlib import closing

from mixpress.spool import Layout
from mixpress.spool.schema import APPLICATION
from mixpress.spool.stored import pack
from spool.makers import texts

TABLES = """
CREATE TABLE owners (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL, started TEXT NOT NULL, boot TEXT NOT NULL, namespace TEXT NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL, number INTEGER NOT NULL, accepted REAL NOT NULL, body BLOB NOT NULL
);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER,
    attempts INTEGER NOT NULL, next_try REAL NOT NULL DEFAULT 0,
    count INTEGER NOT NULL, raw_size INTEGER NOT NULL, accepted REAL NOT NULL,
    indexes BLOB NOT NULL, sizes BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE destination (url TEXT NOT NULL, salt BLOB NOT NULL, project BLOB NOT NULL);
"""


def main(path: str) -> None:
    batch = pack(texts(3), range(3), layout=Layout())
    with closing(sqlite3.connect(path)) as db:
        db.executescript(TABLES)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute("INSERT INTO owners (pid, started, boot, namespace, expires) VALUES (1, '1', 'then', '', 1.7e9)")
        for number, body in enumerate(texts(2, start=3), start=3):
            db.execute("INSERT INTO events (owner, number, accepted, body) VALUES (1, ?, 1.7e9, ?)", (number, body))
        db.execute(
            "INSERT INTO batches (owner, attempts, count, raw_size, accepted, indexes, sizes, body)"
            " VALUES (1, 2, 3, ?, 1.7e9, ?, ?, ?)",
            (batch.raw_size, array("Q", range(3)).tobytes(), array("I", batch.sizes).tobytes(), batch.body),
        )
        db.commit()


if __name__ == "__main__":
    main(sys.argv[1])
