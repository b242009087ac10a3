"""The two straight paths: fit (store → artifact) and request (query → slate)."""
