"""The bare things that our paths are compared with. Nothing of ours runs in them."""
