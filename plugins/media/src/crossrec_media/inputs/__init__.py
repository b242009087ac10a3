"""From items to files: found, downloaded within limits, and each content encoded once."""
