"""The message's life until its release: submission, rules, notices to officers, decisions."""
