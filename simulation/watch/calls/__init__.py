"""Promises about the story of one call: that it begins once, is tried again as its customer wished, and ends once, in
time and for its true reason."""
