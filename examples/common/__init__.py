"""Code shared by the examples: metrics, model files and the registration record."""
