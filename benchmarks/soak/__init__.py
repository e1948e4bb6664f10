"""The kill soak: the whole product as processes, a nemesis that kills and stops them, and a checker apart from both."""
