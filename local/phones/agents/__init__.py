"""Agents: the worker that takes dispatches, what an agent does in its call, and what it reports to the product."""
