"""What ties items to items: text, words, behaviour, the text graph and prior-EASE.

Owns their settings and their layouts for pairs and for search; knows no ranker and no fold.
"""
