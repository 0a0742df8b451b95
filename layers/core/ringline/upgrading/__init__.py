"""Brings rows of earlier releases to what this one writes."""
