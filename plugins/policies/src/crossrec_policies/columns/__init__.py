"""What policies read: fields of items as codes, times and rows, and impressions."""
