"""The invariants. Each watcher promises one thing of every world; it hears of what happens, looks, and notes what
breaks its promise. Watchers change nothing. Here stands what all of them use: findings, the book of calls, and who is
told of what. The promises about one call's story are in `calls`, those about lines, turns and phones in `lines`.
"""
