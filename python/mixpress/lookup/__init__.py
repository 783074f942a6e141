"""Lookup tables: read from any source, checked against the API's rules, and the replies to them."""
