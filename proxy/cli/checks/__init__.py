"""What `tropa doctor` looks at: a function a subject, each answering findings, in the explicit list of `doctor`."""
