"""In: finished runs. Out: what tables cannot show at a glance."""
