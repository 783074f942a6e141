"""Keep the accepted events: write, deduplicate, find, query."""
