"""The counter: takes the paper, checks who brings it, stores it and passes it on."""
