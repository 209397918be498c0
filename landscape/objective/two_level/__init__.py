"""J on a grid to a stated tolerance: some points over all examples, all points over some examples."""
