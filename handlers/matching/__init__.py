"""What a keyword rule's `when` may say, and finding the rules whose words are in a text however many there are."""

from handlers.matching.index import Index
from handlers.matching.when import Patterns, When

__all__ = ["Index", "Patterns", "When"]
