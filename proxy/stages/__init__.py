"""One file for each outcome of `plan`: what is done with the origin's response, as an `Answer`."""
