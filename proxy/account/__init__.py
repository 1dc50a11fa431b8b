"""Who the learner is, and what each exchange costs.

Laws of this package: no login, cookie or address is stored or logged in clear, only hashes keyed with the
installation's secret; no URL stands in the ledger; nothing here waits on a disk while a request is answered.
"""
