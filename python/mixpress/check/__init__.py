"""`mixpress check`: what an import of an input would do, without a network."""
