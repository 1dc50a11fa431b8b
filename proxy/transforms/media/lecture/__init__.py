"""A lecture as slides and sound: what is shown is found in the film, drawn sharply once, and timed."""
