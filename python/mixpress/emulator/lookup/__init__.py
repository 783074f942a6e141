"""The API's lookup tables: the check of a table, the tables of the project, the replies, and the control API."""
