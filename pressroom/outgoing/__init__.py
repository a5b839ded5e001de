"""Requests to addresses that others gave us: the one way out, and its guard."""
