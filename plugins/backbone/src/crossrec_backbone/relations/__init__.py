"""What ties items to items: text, words, behaviour and the closed forms above them.

Nothing here knows of candidates, rankers or folds.
"""
