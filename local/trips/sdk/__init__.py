"""Every method of the official SDK, called once against a stack."""
