"""Fetching in the free hours: what is wished for, by whose account, and what became of it by the morning."""
