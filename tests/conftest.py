"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A loaded machine must not fail a property: speed is measured by scripts/bench alone.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
