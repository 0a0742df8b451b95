"""What an operator does once a release is deployed."""
