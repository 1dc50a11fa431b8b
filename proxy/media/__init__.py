"""The media desk: sources on disk, the queue, what was made of them. It stands on the transforms, below the stages."""
