"""Measurements beside peers: `python -m bench --help`. Nothing of Tropa imports this."""
