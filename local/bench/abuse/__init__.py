"""What one account's calls, hooks and webhooks feel of another's floods, each with and without it in one run."""
