"""Tables: which field of which payload of Mist is which metric, and how events become counters and texts."""
