"""x"""
def compute() -> None:
    """Match."""
def export() -> None:
    """Export."""
