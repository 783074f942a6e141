"""The profiles of users and groups: `POST /engage`, `POST /groups`, and the ids that identity events merge."""
