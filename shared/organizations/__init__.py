"""Organizations: the companies that share this installation. Every tenant row belongs to exactly one.

Created only by `python -m ops.cli org create`, together with its first owner; never by a default. The time zone (IANA)
says how people of the company read times, the currency (ISO 4217, lower case) what its prices are in.
"""
