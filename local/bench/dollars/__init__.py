"""What a call costs in dollars, from what was counted and a table of prices."""
