"""Ringline: a backend for phone calls by voice agents. One room per capability; see docs/architecture.md."""
