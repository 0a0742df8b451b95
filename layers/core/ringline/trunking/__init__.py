"""Trunks and numbers that customers bring: what LiveKit is to have for them, made, read, mended and taken down."""
