"""Free words beside the history: what they exclude, demand, prefer, and are about."""
