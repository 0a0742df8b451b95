"""How many calls a second can be claimed, by how many dialers, of how many accounts."""
