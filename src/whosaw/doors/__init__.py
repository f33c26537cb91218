"""Doors: the ways in. A door identifies who asks, translates, and hands the ask to the gate; it never decides.

Doors do not know each other; ``app`` joins them into one server.
"""
