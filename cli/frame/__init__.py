"""What every command stands on: how it is declared, what it is handed, and how it ends."""
