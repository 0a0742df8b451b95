"""Queues and buses of AWS as targets of webhooks, beside HTTP."""
