"""The used subspace of a site: what the rest of a network reads there, and the searches inside it."""
