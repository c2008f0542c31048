"""Who somebody is: what proves a customer at the bank's own pages.

Slices: credentials (login and password). Sessions, consents and the authorization server come with
the next issue. Public: see the doors of the slices.
"""
