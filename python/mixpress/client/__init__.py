"""Client and AsyncClient: their arguments, the engine they share, and the runs of imports and drains."""
