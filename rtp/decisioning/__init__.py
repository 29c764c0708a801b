"""Candidates, eligibility, score, policy, arbitration: one decision for all channels."""
