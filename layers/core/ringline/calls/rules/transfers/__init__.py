"""What happens to a transfer, and what a transfer does to its call. Pure. Below the other rules, which give each call
that they change its version."""
