"""A griffe extension for the site: turns the descriptions of parameters in docstrings into Markdown lists."""

import re
from typing import Any

from griffe import Class, Extension, Object

PARAMETER = re.compile(r"^(`\w+`(?:, `\w+`)*: )", re.M)
FIRST = re.compile(r"(?<!\n)\n- `")


class Parameters(Extension):
    """Make list items of lines that start with a name in backquotes and a colon, with the indented lines below each."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Show the parameters of `__new__`, which the core's classes have, as those of `__init__`."""
        if "__new__" in cls.members and "__init__" not in cls.members:
            cls.members["__init__"] = cls.members["__new__"]

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change a docstring before it is rendered."""
        if obj.docstring:
            items = PARAMETER.sub(r"- \1", obj.docstring.value)
            obj.docstring.value = FIRST.sub("\n\n- `", items)
