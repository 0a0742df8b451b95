"""Telling customers' servers what happened to a call: endpoints, signing, schedule, delivery and its record."""
