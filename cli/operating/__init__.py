"""What an operator does to a deployment as a whole."""
