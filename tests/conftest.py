"""What holds for every test."""

from hypothesis import settings

# A loaded machine must not fail a property: speed is measured by scripts/bench alone.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
