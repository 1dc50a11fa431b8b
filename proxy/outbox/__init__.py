"""Messages that a learner writes while the origin is out of reach: kept, sent once, or asked about."""
