"""Tropa's own requests: the reserved path `/.tropa/` on every origin, and what stands behind its buttons."""
