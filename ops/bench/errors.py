class BenchError(Exception):
    """The measurement is worthless: something answered wrongly, too late or not at all."""
