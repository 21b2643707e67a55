"""The same cases in every run; ``pytest --hypothesis-profile=explore`` looks for new ones."""

from hypothesis import settings

# What a random search finds must not turn somebody else's run red: it becomes a case of its own first.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")
