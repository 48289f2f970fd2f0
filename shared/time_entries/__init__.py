"""Time entries: how long a worker was at an order, in segments between start, pause, resume and finish."""
