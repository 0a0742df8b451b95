"""What commands reach: the HTTP API with a customer's key, and the deployment itself with an operator's rights."""
