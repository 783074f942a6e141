"""Truncate and serialize: values of any kind, and the rules that hold for them wherever they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .long_text import Members, advise, convert, cut, length_of
from .nodes import Array, Literal, Node, NotANumber, Number, Object, Text
from .rules import MAX_LEVELS, RULES, Options
from .spell import spell_text, without_surrogates
from .values import look

WriteMember = Callable[[str, Node, str], str]  # of a name, a value and the value's path


class Writer:
    """Writes one event, and collects what is found on the way."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.max_string, self.unit = options.limit("max_string"), options.limit("truncate_unit")
        self.findings: list[tuple[str, str, str]] = []  # rule, action, field
        self.truncated: list[tuple[str, int, str]] = []  # path, length, advice
        self.is_past_levels = False

    def look(self, value: Any) -> Node:
        return look(value, self.options.default)

    def find(self, rule: str, field: str) -> None:
        action = self.options.action(rule)
        if action != "off":
            self.findings.append((rule, action, field))

    def in_order(self) -> list[tuple[str, str, str]]:
        """The findings in the order of the rules."""
        return sorted(self.findings, key=lambda finding: RULES.index(finding[0]))

    def rejecting(self) -> list[tuple[str, str, str]]:
        return [finding for finding in self.in_order() if finding[1] == "reject"]

    # --- values ---

    def value(self, node: Node, path: str, *, depth: int, level: int) -> str:
        """Any value. `depth` is that of the object around it, `level` its own among objects and lists."""
        if isinstance(node, Text):
            return self.text(node, path)
        if isinstance(node, Number | Literal):
            return node.spelled
        if isinstance(node, Array):
            return self.array(node, path, depth, level)
        if isinstance(node, Object):
            return self.object(node, path, depth + 1, level)
        # Choice: what can't be written is null, where the rule lets it through.
        self.find("not-a-number" if isinstance(node, NotANumber) else "unsupported-type", path)
        return "null"

    def array(self, node: Array, path: str, depth: int, level: int) -> str:
        if self.passes_over(path, level):
            return "null"
        written = [
            self.value(self.look(element), f"{path}[{position}]", depth=depth, level=level + 1)
            for position, element in enumerate(node.elements)
        ]
        if len(written) > self.options.limit("max_elements"):
            self.find("too-many-elements", path)
        return "[" + ",".join(written) + "]"

    def object(self, node: Object, path: str, depth: int, level: int) -> str:
        if self.passes_over(path, level):
            return "null"
        if depth == self.options.limit("max_depth") + 1:
            # Rejected, it is not looked into; let through, nothing in it is called too deep again.
            self.find("too-deep", path)
            if self.options.action("too-deep") == "reject":
                return "null"
        written = self.members(
            node, path, lambda _, value, inner: self.value(value, inner, depth=depth, level=level + 1)
        )
        if len(written) > self.options.limit("max_keys"):
            self.find("too-many-keys", path)
        return "{" + ",".join(written) + "}"

    def passes_over(self, path: str, level: int) -> bool:
        """Choice: after the first object or list past 64 levels no other one of the event is looked into.

        Otherwise a list that holds itself twice would be walked 2**64 times.
        """
        if level > MAX_LEVELS and not self.is_past_levels:
            self.findings.append(("too-deep", "reject", path))  # whatever the rule's action
            self.is_past_levels = True
        return self.is_past_levels

    # --- members ---

    def members(self, node: Object, path: str, write: WriteMember, *, plain: tuple[str, ...] | None = ()) -> list[str]:
        """The members as written. `plain`: names whose texts are cut whatever the options say; None: every name."""
        written: list[str] = []
        names: list[str] = []
        for name, value in node.members:
            if not isinstance(name, Text):
                self.find("unsupported-type", path)  # let through, the member is left out
                continue
            if name.value in node.repeated:
                self.find("duplicate-key", join(path, self.shown(name)))
            node_of_value = self.look(value)
            may_convert = plain is not None and name.value not in plain
            for new, member in self.converted(name, node_of_value, path) if may_convert else [(name, node_of_value)]:
                names.append(self.shown(new))
                inner = join(path, self.shown(new))
                written.append(f"{self.name(new, inner)}:{write(new.value, member, inner)}")
        for position, shown in enumerate(names):  # known at the object's end
            if shown in names[:position]:
                self.find("key-collision", join(path, shown))
        return written

    def shown(self, name: Text) -> str:
        """A name as it is written, and as it stands in a path."""
        return self.cut(without_surrogates(name.value))

    def name(self, name: Text, path: str) -> str:
        clean = without_surrogates(name.value)
        if clean != name.value:
            self.find("invalid-unicode", path)
        if self.is_long(clean):
            self.truncated.append((path, length_of(clean, self.unit), "text"))
            self.find("key-truncated", path)
        return spelled(name, self.cut(clean))

    def converted(self, name: Text, value: Node, path: str) -> Members:
        """The members that stand in for one with a long text, where the `on_long_...` options ask for it.

        Choice: what they make is only cut, if it is long in its turn. Choice: it is reported as a truncation, as a part
        of the text is lost. Choice: JSON past 64 levels is cut.
        """
        text = without_surrogates(value.value) if isinstance(value, Text) else ""
        if not self.is_long(text):
            return [(name, value)]
        how = {f"on_{kind}": getattr(self.options, f"on_long_{kind}") for kind in ("url", "json", "text")}
        members = convert(without_surrogates(name.value), text, **how)
        if members is None:
            return [(name, value)]
        self.truncated.append((join(path, self.shown(name)), length_of(text, self.unit), advise(text)))
        return members

    # --- texts ---

    def text(self, text: Text, path: str) -> str:
        clean = without_surrogates(text.value)
        if clean != text.value:
            self.find("invalid-unicode", path)
        if self.is_long(clean):
            self.truncated.append((path, length_of(clean, self.unit), advise(clean)))
        return spelled(text, self.cut(clean))

    def is_long(self, text: str) -> bool:
        return length_of(text, self.unit) > int(self.max_string)

    def cut(self, text: str) -> str:
        return cut(text, self.max_string, self.unit)


def spelled(text: Text, written: str) -> str:
    """Where nothing changed as it was spelled, else spelled anew, the whole of it."""
    if written == text.value and text.spelled is not None:
        return text.spelled
    return spell_text(written)


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
