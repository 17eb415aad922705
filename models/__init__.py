"""The dictionary: words, shapes, tables and the ways to store them; imports nothing else of the product."""
