"""The four protocols and the values that pass between them: query, candidates, pool, slate."""
