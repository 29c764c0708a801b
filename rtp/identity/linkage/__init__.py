"""Records that share no identifier become one customer where the evidence is strong enough: Splink on DuckDB.

Everything works on an open DuckDB connection and knows only what columns mean, never whose data it is.
"""
