"""Great Expectations suites in code, run to plain results."""
