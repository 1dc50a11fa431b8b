"""What a shared cache may store and serve: RFC 9111, RFC 5861 and RFC 9110 sections 13 to 15 as pure functions.

Laws of this package: values in, values out; no I/O, and the clock is an argument (seconds since 1970).
"""
