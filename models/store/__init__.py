"""How rows are kept: database, vault, trail, runs, numbers, objects; everything receives its clients."""
