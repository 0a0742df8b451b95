"""What will be asked for and how everybody behaves, drawn from the seed before a world begins. Nothing here happens."""
