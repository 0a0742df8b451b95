"""What holds for every queue of ours."""

LONGEST_DELAY_S = 900
"""SQS delays no message longer. A look that comes early finds the call fine; whatever is due later is the sweep's."""
