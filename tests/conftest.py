"""Settings of the test tools."""

from hypothesis import settings

# Machines are slow at times, and a change must not fail for an example that it did not cause: examples are the same
# in each run. `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile("same")
