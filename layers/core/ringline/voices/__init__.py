"""How agents sound: the voice profiles that customers choose from. `catalogue.json` is what every deployment begins
with, and what the speech worker serves by itself; `store` what an operator made of it."""
