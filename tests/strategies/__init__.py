"""Hypothesis strategies for events that are hard to encode, and for options that reach every limit."""

from .events import Event, events, plain_events
from .odd import Color, Float, Integer, Level, Lying, Pairs, Point, Raising, Text, Unpaired, Word
from .options import NOW, options
from .texts import names
from .updates import update_options
from .values import plain_texts, plain_values

__all__ = [
    "NOW",
    "Color",
    "Event",
    "Float",
    "Integer",
    "Level",
    "Lying",
    "Pairs",
    "Point",
    "Raising",
    "Text",
    "Unpaired",
    "Word",
    "events",
    "names",
    "options",
    "plain_events",
    "plain_texts",
    "plain_values",
    "update_options",
]
