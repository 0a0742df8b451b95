"""What happens to a call: which event moves it, when it is looked at, why it ended. Pure: only `model` and the standard
library, no clock of its own."""
