"""Live floors: who is where, in which zones, and for how long. People are hashes that die with the process."""
