"""The promises about calls that are handed over: each transfer's own story, and the phones of its targets."""
