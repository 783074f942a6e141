"""The inputs of an import: files and tables, cut into pieces whose records are mapped and encoded together."""
