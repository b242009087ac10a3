"""Pretrained backbones: the model folder and its checks, named backbones, adapted encoders.

What pretraining writes and a fit reads; independent of how either chooses.
"""
