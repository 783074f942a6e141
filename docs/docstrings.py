"""Docstrings as Markdown, for the site: what each parameter means becomes a list."""

import re
from typing import Any

from griffe import Class, Extension, Object

PARAMETER = re.compile(r"^(`\w+`(?:, `\w+`)*: )", re.M)
FIRST = re.compile(r"(?<!\n)\n- `")


class Parameters(Extension):
    """Lines that begin with a name in backquotes and a colon are items; what is indented below belongs to them."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """The core's classes are made by `__new__`, whose parameters are looked for under the other name."""
        if "__new__" in cls.members and "__init__" not in cls.members:
            cls.members["__init__"] = cls.members["__new__"]

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Each docstring, before it is read as Markdown."""
        if obj.docstring:
            items = PARAMETER.sub(r"- \1", obj.docstring.value)
            obj.docstring.value = FIRST.sub("\n\n- `", items)
