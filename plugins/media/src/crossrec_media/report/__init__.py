"""What each modality is worth on a scenario's own events, beside them and against a control."""
