"""What carries over between catalogues: relations between items and the weight of their evidence.

`text` and `behaviour` hold the relations, `prior` and `consensus` the closed forms above them,
`pool` and `evidence` turn a query into candidates and columns, `sources` offers each layer as a
candidate generator of its own.
"""
