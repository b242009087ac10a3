"""What languages the texts of a catalogue are in, and which encoder reads them."""
