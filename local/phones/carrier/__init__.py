"""The carriers of the phones: what they report of a call, and in whose form they sign and send it."""
