"""Which requests fail, and how."""
