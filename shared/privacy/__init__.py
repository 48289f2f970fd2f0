"""Privacy: what is held on a person, all of it: a copy for them, and forgetting them."""
