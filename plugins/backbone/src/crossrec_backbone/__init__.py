"""What carries over between catalogues: relations between items and the weight of their evidence.

Rooms from the ground up: `relations`, `ranking`, `pretrained`, `adaptation`, `pretraining`,
`sources`, `transfer`, `commands`.
"""
