"""`doctor`: looks at everything that calls need, and says what to mend. It changes nothing."""
