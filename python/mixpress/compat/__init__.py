"""The APIs of other clients, delivered by mixpress: one module for each client."""
