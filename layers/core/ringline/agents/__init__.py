"""The agents whose brain is a runner of the customer's: who is there, who takes which call, and what is said on their
control sockets. In `model` what is pure, in `tables` how it is kept; the use cases stand here."""
