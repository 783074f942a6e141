"""The tree of errors in the docstring of `mixpress.errors`."""

from __future__ import annotations

from typing import get_args

import mixpress.errors


def test_the_docstring_has_every_error_and_every_kind() -> None:
    drawing = mixpress.errors.__doc__ or ""
    classes = [one for one in vars(mixpress.errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    kinds = get_args(mixpress.errors.TransportKind)
    assert len(classes) > 5
    assert len(kinds) > 5
    assert [one.__name__ for one in classes if one.__name__ not in drawing] == []
    assert [kind for kind in kinds if kind not in drawing] == []
