"""How many calls at once an agent, a pipe and a number may have, and which number of a pool a call goes out on."""
