"""HTTP at the edge of a function: requests read, answers and problems made, the one router."""
