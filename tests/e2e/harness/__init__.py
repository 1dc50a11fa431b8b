"""What journeys stand on: a real origin, a real Tropa, a real browser, a raw client."""
