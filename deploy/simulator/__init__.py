"""The external platform, played by a program of its own: knows the contract, nothing of the product."""
