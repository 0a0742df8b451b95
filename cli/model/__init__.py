"""What commands have in common and know nothing around them for: how they end, and whom they are for."""
