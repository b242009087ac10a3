"""The candidate generators that crossrec calls: they propose, score and explain.

Owns the search over texts and the words of explanations; what is learnt comes from the rooms below.
"""
