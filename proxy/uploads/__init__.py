"""What learners send in pieces: received over cuts, kept for a day, handed to the origin as one ordinary form."""
