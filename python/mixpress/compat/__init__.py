"""Other clients' calls, delivered by mixpress."""
