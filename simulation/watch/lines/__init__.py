"""Promises about what calls share: an account's lines and its queue, a trunk's pace, and the phones behind them."""
