"""What an answer is, and what decided that."""

from dispatcher.services.understanding.meaning import Understood, of_words

__all__ = ["Understood", "of_words"]
