"""Dispatcher: an alert recorded or written once, approved, and delivered to every customer at once."""

__version__ = "0.1.0"
