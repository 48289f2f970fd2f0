"""Organizations: the companies that share this installation. Every tenant row belongs to exactly one.

Created only by `python -m ops.cli org create`, together with its first owner; never by a default. The time zone (IANA)
says how people of the company read times, the currency (ISO 4217, lower case) what its prices are in.

Slug and currency are for ever: links and prices hold them. The rest is the company's own to change, in
`service.change_settings`; `settings.py` has the defaults and the rules. Other features read the policies from the row.
"""
