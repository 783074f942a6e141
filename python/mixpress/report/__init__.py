"""Reports: the verdict for each event, and what is counted."""
