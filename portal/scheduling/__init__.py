"""People's time: what they are engaged in, when they work, when they are away, and the slots they offer."""
