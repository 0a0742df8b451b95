"""How runners, their connections and the assignments of calls are kept in the one table."""
