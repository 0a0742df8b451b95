"""Requests that the API's document allows, and some that it does not, made by schemathesis: no answer may be a failure
of ours, and none may be another than the document says."""
