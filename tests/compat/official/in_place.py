"""A pytest plugin that puts our consumers into the place of the official ones: `-p compat.official.in_place`."""

from __future__ import annotations

import mixpanel

from mixpress.compat.mixpanel import BufferedConsumer, Consumer

mixpanel.Consumer = Consumer
mixpanel.BufferedConsumer = BufferedConsumer
