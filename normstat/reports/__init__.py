"""Results made readable: one frozen result, one renderer a format."""
