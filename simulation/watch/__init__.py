"""The invariants: each module promises one thing of every world. Watchers look and note, and change nothing."""
