"""From checked sections to the frozen `Catalogue`: inheritance resolved, names looked up, patterns compiled."""
