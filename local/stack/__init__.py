"""The one-machine stack: what is wished for, how it comes up, what is written down about it, and how it is stopped."""
