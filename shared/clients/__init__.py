"""Clients: the people an organization works for. Unique per organization on the lower-cased e-mail address.

Start at `service.create`. Orders point at clients with a composite key, so never at another organization's.
"""
