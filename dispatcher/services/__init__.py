"""Use cases from release on, and those that every leg needs. One a file; they never commit."""
