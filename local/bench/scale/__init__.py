"""What calls cost, how many can be claimed, and how others keep to a number of lines."""
