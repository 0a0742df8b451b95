"""How changes of calls are read from the table's stream: one by one, and what cannot be read is put aside."""
