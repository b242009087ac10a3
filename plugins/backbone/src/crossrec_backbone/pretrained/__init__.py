"""Pretrained backbones: the model folder and its checks, named backbones, adapted encoders.

What pretraining makes and a fit reads; knows nothing of how either chooses.
"""
