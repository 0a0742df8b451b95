"""What a world will be asked for and how everybody in it behaves, drawn from the seed before it begins. Here people and
circumstances are described; nothing happens here."""
