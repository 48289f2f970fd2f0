"""Container images: their health checks (`*_health.py`, copied in) and the proof that they work (`check*`, not)."""
