"""Ringline: a backend for phone calls by voice agents. One room per capability; see docs/architecture.md."""

import gc

# A function's start makes a hundred thousand objects that stay, and at Python's 2,000 spends a tenth of its time on
# looking for garbage among them. Later, a connection to LiveKit leaves the most behind, 180 objects of 25 KB: what has
# piled up by the time that somebody looks is 20 MB.
gc.set_threshold(150_000)
