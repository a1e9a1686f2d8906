"""What several tests share: a clock that obeys, payloads, a misbehaving cloud."""
