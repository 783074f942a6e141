"""Import files, a table or any other input through an engine: of events, or of updates of profiles."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mixpress._core import Encoder
from mixpress.client.file_run import FileRun
from mixpress.client.update_file_run import UpdateFileRun
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of
from mixpress.files.table_input import TableInput
from mixpress.files.update_rows import members_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.client.engine import Engine
    from mixpress.client.file_options import FileOptions
    from mixpress.files.formats import Format
    from mixpress.files.mapper import Mapper
    from mixpress.files.mapping import Mapping as FileMapping
    from mixpress.files.piece import Input
    from mixpress.files.state import State
    from mixpress.report.report import Progress, Report
    from mixpress.send.job import CancelToken

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path, or several."""


def import_files(
    engine: Engine,
    paths: Paths,
    mapping: FileMapping | None,
    format: Format | None,
    options: FileOptions,
    on_progress: Callable[[Progress], object] | None = None,
    *,
    cancel_token: CancelToken | None = None,
    opened: Callable[[Input], object] = bool,
) -> Report:
    """Import files through an engine; see `Client.import_files`. `opened` gets the input, to stop it from elsewhere."""
    source = Files(list_paths(paths), format)
    opened(source)
    return import_pieces(engine, source, mapping, options, on_progress, cancel_token=cancel_token)


def import_table(
    engine: Engine,
    table: Any,
    mapping: FileMapping | None,
    options: FileOptions,
    on_progress: Callable[[Progress], object] | None = None,
    *,
    cancel_token: CancelToken | None = None,
    opened: Callable[[Input], object] = bool,
) -> Report:
    """Import a table through an engine; see `Client.import_table`. `opened` gets the input."""
    source = TableInput(table)
    opened(source)
    return import_pieces(engine, source, mapping, options, on_progress, cancel_token=cancel_token)


def list_paths(paths: Paths) -> list[str]:
    """Return the paths as text. Raises `TypeError` for what is no path, and `ValueError` for none at all."""
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not listed:
        raise ValueError("paths must name at least one file")
    return [os.fsdecode(path) for path in listed]


def import_pieces(
    engine: Engine,
    source: Input,
    mapping: FileMapping | None,
    options: FileOptions,
    on_progress: Callable[[Progress], object] | None = None,
    *,
    encoder: Encoder | None = None,
    cancel_token: CancelToken | None = None,
) -> Report:
    """Import the pieces of an input through an engine; see `Client.import_files`. `encoder` is one with the settings
    that the mapping wants.
    """
    if engine.options.endpoint is not None:
        engine.pack()
    mapper = mapper_of(mapping)
    encoder = encoder or _encoder_for(engine, mapper)
    with ExitStack() as opened:
        state = _open_state(engine, mapping, encoder, options)
        if state is not None:
            opened.callback(state.close)
        members = None if mapping is None else members_of_rows(mapping)
        dead_letter = opened.enter_context(engine.running(options.dead_letter, members))
        make = FileRun if engine.options.endpoint is None else UpdateFileRun
        run = make(engine, source, mapper, encoder, options, state, dead_letter, on_progress, cancel_token)
        opened.callback(run.end)
        return run.run()


def _encoder_for(engine: Engine, mapper: Mapper) -> Encoder:
    """Return the client's encoder, or one like it that derives ids, or fills in the group key, as the mapping wants."""
    encoder, more = engine.options.encoder, mapper.encoder_options()
    if not more:
        return encoder
    return update_encoder(engine, more) if mapper.of_updates else encoder.deriving_ids_from(more["insert_id_from"])


def update_encoder(engine: Engine, more: Mapping[str, Any]) -> Encoder:
    """Return an encoder like that of an engine for updates, with these arguments too."""
    encoder, token = engine.options.encoder, engine.options.token
    return Encoder(encoder.endpoint, token=token, limits=encoder.limits, ip=encoder.ip, **more)


def _open_state(engine: Engine, mapping: FileMapping | None, encoder: Encoder, options: FileOptions) -> State | None:
    """Return the open state of an import; None without one. A dry run makes no file."""
    if options.state is None or (options.dry_run and not os.path.exists(options.state)):
        return None
    from mixpress.files.identity import identity_of  # noqa: PLC0415 - some Pythons are built without SQLite
    from mixpress.files.state import State  # noqa: PLC0415 - as above

    template, token = engine.options.template, engine.options.token
    identity = identity_of(template.url, template.headers, mapping, encoder, token if engine.options.endpoint else None)
    return State(options.state, identity, of_updates=engine.options.endpoint is not None)
