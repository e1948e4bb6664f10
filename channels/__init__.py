"""The ways out: channels, providers and the simulated carrier. Seen by `dispatcher.bootstrap` alone."""
