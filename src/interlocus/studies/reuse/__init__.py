"""Re-use: how well a new question about located variables is answered from a few labels.

The keys with which a study asks it belong in `studies.spec`.
"""

__all__ = []
