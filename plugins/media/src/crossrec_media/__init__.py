"""Pictures, sound, video and ready vectors of items, beside their texts."""
