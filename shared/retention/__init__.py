"""Retention: what is forgotten because its time is over. `cleanup` takes away what was meant to live for hours, and
`retention` what a company and the law have had long enough. Both in small transactions, oldest first.
"""
