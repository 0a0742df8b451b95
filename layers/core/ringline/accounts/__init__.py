"""Who uses Ringline: accounts, their API keys, and the cap of their gate."""
