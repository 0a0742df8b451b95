"""Writes docs/openapi.json, the copy that the API serves, docs/api.md and docs/asyncapi.json from the routes, the
models that check bodies and those of the answers: `python -m local.pages.openapi`."""
