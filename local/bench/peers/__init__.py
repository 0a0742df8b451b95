"""Other ways to keep to a number of lines, on the same calls in the same run as ours."""
