"""What IT staff do to a running Tropa, as files in the state folder: publish, roll back, override, bypass."""
