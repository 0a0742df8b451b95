"""What anything here stands on: where things are, and how processes are started and stopped. Leans on nothing."""
