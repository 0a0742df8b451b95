"""Parts of `manage` that are made of much: each resource's own composition."""
