"""The shapes of regions.yaml, of policies and of presets: every key, its type, its unit and what it means."""
