"""Writes docs/openapi.json, the copy that the API serves, and docs/api.md from the routes, the models that check bodies
and those of the answers: `python -m local.pages.openapi`."""
