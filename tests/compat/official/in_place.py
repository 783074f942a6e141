"""A pytest plugin that replaces the official consumers with ours: `-p compat.official.in_place`."""

from __future__ import annotations

import mixpanel

from mixpress.compat.mixpanel import BufferedConsumer, Consumer

mixpanel.Consumer = Consumer
mixpanel.BufferedConsumer = BufferedConsumer
