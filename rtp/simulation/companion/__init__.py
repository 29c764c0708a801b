"""What The Complete Journey lacks and the loop needs, made up by seed: every such row or column says so.

A draw depends on the seed and on the thing it is about, never on the order of rows: a household has the same name,
channel habit and consent in a sample of 100 households as in the whole data set.
"""
