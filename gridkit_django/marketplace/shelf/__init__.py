"""The marketplace that lists and serves: publishers, releases and their states, review, search, and what sites report.

Everything that is public went through here; the faces (API, admin) only translate.
"""
