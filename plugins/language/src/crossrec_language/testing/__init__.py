"""For tests of language features: a server on loopback, and models that misbehave."""
