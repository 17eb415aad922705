"""Everything around the product: the local stack, the platform's simulator, migrations, images."""
