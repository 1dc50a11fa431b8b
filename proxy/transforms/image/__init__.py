"""Still images, sized for the link: header facts without decoding, guarded decoding, one smaller variant."""

# Part of every variant's key: raise it when the same source and spec would give other bytes.
TRANSFORM_VERSION = 2
