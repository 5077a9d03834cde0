"""What `gridkit models` says when something must be put right first."""


class ModelsError(Exception):
    """Something the user can put right; the message names it, and what is allowed."""
