"""The writes that change together with a call's row."""
