"""`UpdateContent`: what is in the updates of profiles that would be sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mixpress.check.content import Content
from mixpress.report.measures import size_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Batch
    from mixpress.check.examples import Wanted

Update = dict[str, Any]

OPERATIONS = ("$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete")


class UpdateContent(Content):
    """Counts over the updates of an input: `names` are their operations. They have no days and no duplicates."""

    def add(self, batch: Batch, records: Sequence[int], wanted: Wanted) -> None:
        """Count the updates of a batch; `records` is the number in its piece of each."""
        texts = batch.events()
        updates: list[Update] = json.loads(b"[%b]" % b",".join(texts))
        self.sizes.update(size_class(len(text)) for text in texts)
        operations = [next((name for name in OPERATIONS if name in update), "") for update in updates]
        self.names.update(operations)
        operands = [update.get(name) for update, name in zip(updates, operations, strict=True)]
        self.types.add([operand if isinstance(operand, dict) else {} for operand in operands], records, wanted)
        field = "$group_id" if batch.endpoint == "groups" else "$distinct_id"
        ids = [update.get(field) for update in updates]
        self._add_users([id if isinstance(id, str) else "" for id in ids], records, wanted, field)
