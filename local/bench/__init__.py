"""The benches: each measures one promise of the design on a running stack; the report prints them in one table."""
