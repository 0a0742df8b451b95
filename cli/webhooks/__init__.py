"""`webhook`: endpoints, what they were told, and a receiver on this machine."""
