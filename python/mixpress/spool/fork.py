"""Forks: before one every spool of the process is closed, with nobody at work in it; the child's then have nothing."""

from __future__ import annotations

import logging
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.spool.session import Hold

logger = logging.getLogger("mixpress")

PATIENCE = 30.0
"""Seconds that a fork waits for what other threads do in a spool: longer than they wait for another process."""

_holds: weakref.WeakSet[Hold] = weakref.WeakSet()
_locked: list[Hold] = []
_abandoned: list[object] = []
"""Connections of a parent that could not be closed before the fork: in the child not even closing them is safe."""


def watch(hold: Hold) -> None:
    """Have it closed before each fork from now on."""
    _holds.add(hold)


def _before() -> None:
    for hold in list(_holds):
        if not hold.take_all_locks(PATIENCE):
            logger.warning("the spool %s is in use during a fork, and can't be used in the child", hold.path)
            continue
        _locked.append(hold)
        try:
            hold.hang_up()
        except Exception as error:  # noqa: BLE001 - a fork is not to fail for it
            logger.warning("the spool %s could not be closed before a fork: %s", hold.path, error)


def _in_parent() -> None:
    while _locked:
        _locked.pop().release_all_locks()


def _in_child() -> None:
    _locked.clear()
    _abandoned.extend(filter(None, [hold.begin_anew() for hold in list(_holds)]))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
