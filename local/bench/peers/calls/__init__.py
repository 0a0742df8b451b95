"""The calls that everybody gets, and the phones that take them."""
