"""The composition root of the deployed functions: what each handler calls, built from settings, clock and log.

Each function has a module of its own name here, with two names in it: `Settings`, every variable that the function
reads, and `compose`, which builds its use cases. No module here imports another function's, and what only few events
need is imported when they come: a function's start pays for what it needs and for nothing else (docs/adr/0003).
`tests/template/test_settings.py` holds `Settings` against the variables that template.yaml sets.
"""
